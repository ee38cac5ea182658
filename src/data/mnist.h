#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lacuna/data.h"

namespace lacuna::data {

/// One of the four files of MNIST.
struct MnistFile {
  std::string_view stem;    ///< "train-images"
  std::string_view kind;    ///< "idx3-ubyte"
  std::uint64_t bytes = 0;  ///< uncompressed
  std::string_view sha256;  ///< of the uncompressed content, in hexadecimal

  /// The name it is published under: "train-images-idx3-ubyte.gz".
  std::string published_name() const;
};

/// Training images and labels, test images and labels.
const std::array<MnistFile, 4>& mnist_files();
const MnistFile& mnist_images(Split split);
const MnistFile& mnist_labels(Split split);

/// The path of the file in a directory under any name in use (gzipped or not, "-idx3-ubyte" or ".idx3-ubyte"), the
/// published one first; empty if it is not there.
std::string find_mnist_file(const std::string& directory, const MnistFile& file);

/// Where `mnist` without a directory looks, in order.
std::vector<std::string> mnist_directories();
/// Where MNIST is to be put: the first of those that holds all four files, else the first, so that `mnist` finds it.
std::string mnist_fetch_directory();

}  // namespace lacuna::data
