#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lacuna/tensor.h"

namespace lacuna {

/// Samples in host memory: [N, D] row-major, uint8 (meaning value/255) or float32 (taken as it is), with optional
/// class labels. Cheap to copy: copies share the memory.
class Dataset {
 public:
  Dataset() = default;
  /// `owner` keeps `values` alive. sample_shape: the extents of one sample, e.g. [28, 28]; its product is D.
  /// Throws InputError if there are no samples, D is 0, or the number of labels is not `rows`.
  Dataset(std::string name, std::int64_t rows, const Shape& sample_shape, DType dtype, const void* values,
          std::shared_ptr<const void> owner, std::vector<std::int32_t> labels = {});

  const std::string& name() const { return name_; }
  std::int64_t rows() const { return rows_; }
  std::int64_t features() const { return features_; }
  const Shape& sample_shape() const { return sample_shape_; }
  DType dtype() const { return dtype_; }
  const void* values() const { return values_; }
  std::int64_t bytes() const { return rows_ * features_ * size_of(dtype_); }
  /// Empty, or one class per row.
  std::span<const std::int32_t> labels() const {
    return {labels_.get(), labels_ ? static_cast<std::size_t>(rows_) : 0};
  }

  /// Writes row `index` as floats to out[0 .. features).
  void copy_row(std::int64_t index, float* out) const;
  /// The first `rows` rows, sharing the memory. All of them if there are fewer.
  Dataset first(std::int64_t rows) const;

 private:
  std::string name_;
  std::int64_t rows_ = 0;
  std::int64_t features_ = 0;
  Shape sample_shape_;
  DType dtype_ = DType::u8;
  const void* values_ = nullptr;
  std::shared_ptr<const void> owner_;
  std::shared_ptr<const std::int32_t[]> labels_;
};

enum class Split : std::uint8_t { train, test };

struct DataOptions {
  Split split = Split::train;
  std::int64_t limit = 0;  ///< first `limit` samples; 0: all
  std::uint64_t seed = 0;  ///< synthetic only
};

/// Opens what `--data` names:
///   mnist[:DIR]  idx:IMAGES[,LABELS]  npy:FILE  safetensors:FILE[#TENSOR]  synthetic[:N]
/// (images:DIR is named in the design but not built yet, and says so.)
/// mnist without DIR looks in $LACUNA_DATA/mnist, then in mnist_cache_directory(). Files may be gzipped or not.
/// Throws InputError with one line: file, offset or field, and what is wrong.
Dataset open_dataset(std::string_view source, const DataOptions& options = {});

/// Whether `mnist` without a directory would find both files of the split.
bool mnist_available(Split split = Split::train);
/// $XDG_CACHE_HOME/lacuna/mnist or ~/.cache/lacuna/mnist.
std::string mnist_cache_directory();

/// One pass over the values: smallest, largest, mean, and whether each is finite.
struct ValueSummary {
  double minimum = 0, maximum = 0, mean = 0;  ///< as the network sees them (uint8 divided by 255)
  std::int64_t first_nonfinite = -1;          ///< flat index, -1: none
  std::int64_t first_outside_unit = -1;       ///< flat index of the first value outside [0, 1], -1: none
};
ValueSummary summarize(const Dataset& data);

/// Throws InputError naming row and column if a value is NaN or infinite, or, with `unit_interval` (bce), outside
/// [0, 1].
void require_trainable(const Dataset& data, bool unit_interval);

/// Procedurally drawn digits: strokes, random affine maps, blur; classes 0-9 in a balanced random order. 28x28 uint8.
/// The same (rows, split, seed) always gives the same bytes, and the first rows of a larger set are the smaller set.
Dataset synthetic_digits(std::int64_t rows, Split split = Split::train, std::uint64_t seed = 0);

}  // namespace lacuna
