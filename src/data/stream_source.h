#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "data/sample_file.h"
#include "lacuna/data.h"

namespace lacuna::data {

/// An array [N, ...] as it lies in a file, uncompressed and in C order.
struct StoredArray {
  std::string name;  ///< of the data set
  std::string path;
  std::int64_t offset = 0;
  StoredType type = StoredType::u8;
  Shape shape;
};

/// The array as a streamed data set, if the options ask for that, with the labels that `labels` gives; else nothing.
/// limit and threshold are heeded.
std::optional<Dataset> stream_array(const StoredArray& array, const DataOptions& options,
                                    const std::function<std::vector<std::int32_t>()>& labels = {});

/// Throws InputError if the options insist on streaming what cannot be streamed, and says why.
void refuse_streaming(const DataOptions& options, const std::string& name, const std::string& why);

}  // namespace lacuna::data
