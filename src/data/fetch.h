#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/download.h"
#include "data/mnist.h"

namespace lacuna::data {

struct FetchOptions {
  /// Base URLs (http, https or file), tried in order. Empty: $LACUNA_MNIST_MIRROR alone if it is set, else the public
  /// mirrors.
  std::vector<std::string> mirrors;
  DownloadLimits limits;
  /// Called as a file arrives: its name, bytes received, bytes expected (0: unknown). False stops.
  std::function<bool(std::string_view file, std::uint64_t received, std::uint64_t total)> progress;
  /// One line about each file or mirror, as it happens ("...: already there").
  std::function<void(const std::string& line)> note;
};

/// Puts the four files of MNIST into `directory` (made if missing), gzipped, each checked by the SHA-256 of its
/// uncompressed content before it appears. Files that are there and right are kept, wrong ones replaced. Returns one
/// line that says what was done. Throws InputError if the directory cannot be written, Error that lists what each
/// mirror said if all fail.
std::string fetch_mnist(const std::string& directory, const FetchOptions& options = {});

/// The same for any files of this kind.
std::string fetch_files(const std::string& directory, std::span<const MnistFile> files, const FetchOptions& options);

}  // namespace lacuna::data
