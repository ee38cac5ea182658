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

namespace data {
class SampleFile;
}

/// What is known of a data set beside its values.
struct DatasetNotes {
  std::vector<std::string> class_names = {};  ///< by label, or empty: the classes have no names
  std::vector<std::string> remarks = {};      ///< what people should know of how it was read: one line each
  std::optional<DType> stored = {};           ///< how the file holds the values; none: as the data set does
};

/// Samples: [N, D] row-major, uint8 (meaning value/255) or float32 (taken as it is), with optional class labels; in
/// host memory, or streamed: left in their file, to be read window by window. Cheap to copy: copies share memory and
/// file.
class Dataset {
 public:
  Dataset() = default;
  /// `owner` keeps `values` alive. sample_shape: the extents of one sample, e.g. [28, 28]; its product is D.
  /// Throws InputError if there are no samples, D is 0, or the number of labels is not `rows`.
  Dataset(std::string name, std::int64_t rows, const Shape& sample_shape, DType dtype, const void* values,
          std::shared_ptr<const void> owner, std::vector<std::int32_t> labels = {});
  /// Streamed from the rows of a file. window: samples among which an epoch's order is shuffled, at least 1. Throws as
  /// the constructor does.
  static Dataset streaming(std::string name, const Shape& sample_shape, std::shared_ptr<const data::SampleFile> file,
                           std::int64_t window, std::vector<std::int32_t> labels = {});

  const std::string& name() const { return name_; }
  std::int64_t rows() const { return rows_; }
  std::int64_t features() const { return features_; }
  const Shape& sample_shape() const { return sample_shape_; }
  DType dtype() const { return dtype_; }
  /// Of the values in the file that they come from; of data from elsewhere dtype() again.
  DType stored_dtype() const { return notes().stored.value_or(dtype_); }
  /// Not of a streamed data set, which has none.
  const void* values() const;
  std::int64_t bytes() const { return rows_ * features_ * size_of(dtype_); }
  /// What of them is in memory at once: all, or two windows.
  std::int64_t memory_bytes() const;
  bool streamed() const { return file_ != nullptr; }
  std::int64_t window() const { return window_; }
  /// The file of a streamed data set, and which of its rows is the first.
  const data::SampleFile& file() const { return *file_; }
  std::int64_t file_row() const { return file_row_; }
  /// Empty, or one class per row.
  std::span<const std::int32_t> labels() const {
    return {labels_.get(), labels_ ? static_cast<std::size_t>(rows_) : 0};
  }
  /// The name of each class, by label; empty if there are no labels or they have no names.
  const std::vector<std::string>& class_names() const { return notes().class_names; }
  const std::vector<std::string>& remarks() const { return notes().remarks; }
  /// The same data with these notes in place of its own. Throws InputError if a label has no name, unless none has.
  Dataset with_notes(DatasetNotes notes) const;
  const DatasetNotes& notes() const;

  /// Writes row `index` as floats to out[0 .. features). Of a streamed data set it is read: Error if that fails.
  void copy_row(std::int64_t index, float* out) const;
  /// The first `rows` rows, sharing the memory. All of them if there are fewer.
  Dataset first(std::int64_t rows) const;
  /// The last `rows` rows, of which there must be so many, sharing the memory.
  Dataset last(std::int64_t rows) const;
  /// The same samples with these labels, one for each row.
  Dataset with_labels(std::vector<std::int32_t> labels) const;
  /// These rows in this order, copied into memory. Throws InputError if there are none or they do not fit there; every
  /// index must be within the rows.
  Dataset select(std::span<const std::int64_t> rows) const;

 private:
  void check() const;
  void take_labels(std::vector<std::int32_t> labels);

  std::string name_;
  std::int64_t rows_ = 0;
  std::int64_t features_ = 0;
  Shape sample_shape_;
  DType dtype_ = DType::u8;
  const void* values_ = nullptr;
  std::shared_ptr<const void> owner_;
  std::shared_ptr<const data::SampleFile> file_;  // of a streamed data set, without values
  std::int64_t file_row_ = 0, window_ = 0;
  std::shared_ptr<const std::int32_t[]> labels_;
  std::shared_ptr<const DatasetNotes> notes_;
};

enum class Split : std::uint8_t { train, test };

/// Width and height in pixels.
struct ImageSize {
  std::int64_t width = 0, height = 0;
  bool operator==(const ImageSize&) const = default;
};

/// Whether samples stay in their file and are read window by window.
///   automatic  if they take more than DataOptions::stream_above, and can be;
///   on         they must be: NPY in C order, safetensors and IDX, uncompressed.
enum class Streaming : std::uint8_t { off, on, automatic };

/// How many samples an epoch's order is shuffled among: so many, or what fits into so many bytes.
struct WindowSize {
  std::int64_t samples = 0;
  std::int64_t bytes = std::int64_t{128} << 20;  ///< if samples is 0
  bool operator==(const WindowSize&) const = default;
};

struct DataOptions {
  Split split = Split::train;
  std::int64_t limit = 0;  ///< first `limit` samples; 0: all
  std::uint64_t seed = 0;  ///< synthetic only
  ImageSize resize = {};   ///< images only: brings every image to this size; 0 x 0: they must all have one size
  bool color = false;      ///< images only: samples are [3, H, W] (red, green, blue), not grey [H, W]
  bool threshold = false;  ///< values of at least 1/2 become 1, all others 0
  Streaming stream = Streaming::off;
  std::int64_t stream_above = INT64_MAX;  ///< automatic: bytes of samples
  WindowSize window = {};                 ///< of streamed samples
};

/// Opens what `--data` names:
///   mnist[:DIR]  idx:IMAGES[,LABELS]  npy:FILE  images:DIR  safetensors:FILE[#TENSOR]  synthetic[:N]
/// mnist without DIR looks in $LACUNA_DATA/mnist, then in mnist_cache_directory(). Files may be gzipped or not.
/// images: the PNG and JPEG files below DIR, or below DIR/train and DIR/test where both are there; docs/formats.md says
/// how they become samples. Each folder in DIR is a class; images that lie in DIR itself have no labels.
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
/// [0, 1]. Looks at no value of a streamed data set: they are checked as they are read.
void require_trainable(const Dataset& data, bool unit_interval);

/// Throws InputError unless every sample has a label in [0, classes), naming the first that has not.
void require_labels(const Dataset& data, std::int64_t classes);

/// Rows whose label is one of `classes`, in order. Throws InputError if the data have no labels.
std::vector<std::int64_t> rows_of_classes(const Dataset& data, std::span<const std::int32_t> classes);

/// `count` rows with labels, balanced: count / classes of each of the classes that occur. Without a seed the first ones
/// of each class, else drawn by it. Rows are in ascending order. Throws InputError if count is no multiple of the
/// classes, or a class has too few.
std::vector<std::int64_t> balanced_rows(const Dataset& data, std::int64_t count, std::optional<std::uint64_t> seed);

/// All rows that are not among `rows`, which must be ascending.
std::vector<std::int64_t> other_rows(std::int64_t all, std::span<const std::int64_t> rows);

/// The samples of all of them, one after another, copied. They must have labels and be of one type and shape.
Dataset joined(std::span<const Dataset> parts);

/// Procedurally drawn digits: strokes, random affine maps, blur; classes 0-9 in a balanced random order. 28x28 uint8.
/// The same (rows, split, seed) always gives the same bytes, and the first rows of a larger set are the smaller set.
Dataset synthetic_digits(std::int64_t rows, Split split = Split::train, std::uint64_t seed = 0);

}  // namespace lacuna
