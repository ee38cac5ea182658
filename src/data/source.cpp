#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <optional>

#include "core/words.h"
#include "data/array_source.h"
#include "data/idx.h"
#include "data/image_decode.h"
#include "data/image_source.h"
#include "data/mnist.h"
#include "data/stream_source.h"
#include "data/threshold.h"
#include "io/npy_header.h"
#include "lacuna/data.h"
#include "lacuna/error.h"
#include "lacuna/npy.h"
#include "lacuna/safetensors.h"

namespace lacuna {
namespace {

bool exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

/// "FILE,LABELS" or "FILE#TENSOR" in two; a file whose name has the separator in it is taken whole.
std::pair<std::string, std::string> split_at_last(std::string_view text, char separator) {
  const std::size_t at = text.rfind(separator);
  if (at == std::string_view::npos || exists(std::string(text))) return {std::string(text), {}};
  return {std::string(text.substr(0, at)), std::string(text.substr(at + 1))};
}

std::vector<std::int32_t> labels_for(const std::string& images_path, std::int64_t images,
                                     const std::string& labels_path, std::int64_t limit) {
  if (labels_path.empty()) return {};
  std::int64_t count = 0;
  std::vector<std::int32_t> labels = data::read_idx_labels(labels_path, limit, &count);
  if (count != images)
    throw InputError(fmt::format("{} holds {} images but {} holds {} labels; they must belong together", images_path,
                                 images, labels_path, count));
  return labels;
}

std::optional<Dataset> stream_images(const std::string& path, const std::string& labels_path,
                                     const DataOptions& options) {
  if (options.stream == Streaming::off) return std::nullopt;
  const auto layout = data::idx_layout(path);
  if (!layout) {
    data::refuse_streaming(options, path, "it is compressed, or no file");
    return std::nullopt;
  }
  const auto type = layout->dtype == DType::u8 ? data::StoredType::u8 : data::StoredType::f32_big_endian;
  return data::stream_array({path, path, layout->offset, type, layout->shape}, options,
                            [&] { return labels_for(path, layout->shape[0], labels_path, options.limit); });
}

Dataset open_images_and_labels(const std::string& images_path, const std::string& labels_path,
                               const DataOptions& options) {
  if (const auto streamed = stream_images(images_path, labels_path, options)) return *streamed;
  const data::IdxArray images = data::read_idx(images_path, options.limit);
  std::vector<std::int32_t> labels = labels_for(images_path, images.announced_rows, labels_path, options.limit);
  Shape sample;
  for (int axis = 1; axis < images.shape.rank(); ++axis) sample.push_back(images.shape[axis]);
  if (sample.rank() == 0) sample.push_back(1);
  return Dataset(images_path, images.shape[0], sample, images.dtype, images.values.get(), images.values,
                 std::move(labels));
}

Dataset open_mnist(std::string_view directory, const DataOptions& options) {
  const std::vector<std::string> directories =
      directory.empty() ? data::mnist_directories() : std::vector<std::string>{std::string(directory)};
  std::string missing;
  for (const std::string& candidate : directories) {
    const std::string images = data::find_mnist_file(candidate, data::mnist_images(options.split));
    const std::string labels = data::find_mnist_file(candidate, data::mnist_labels(options.split));
    if (!images.empty() && !labels.empty()) return open_images_and_labels(images, labels, options);
    if (missing.empty() && images.empty() != labels.empty())
      missing = fmt::format(
          " ({} has no {})", candidate,
          (images.empty() ? data::mnist_images(options.split) : data::mnist_labels(options.split)).published_name());
  }
  throw InputError(fmt::format(
      "no MNIST {} set in {}{}: run `lacuna data fetch mnist`, name its directory with --data mnist:DIR, or "
      "use --data synthetic",
      options.split == Split::train ? "training" : "test", fmt::join(directories, " or "), missing));
}

Dataset open_idx(std::string_view files, const DataOptions& options) {
  const auto [images, labels] = split_at_last(files, ',');
  return open_images_and_labels(images, labels, options);
}

std::optional<Dataset> stream_npy(const std::string& path, const DataOptions& options) {
  std::error_code ignored;
  if (options.stream == Streaming::off) return std::nullopt;
  if (!std::filesystem::is_regular_file(path, ignored)) {
    if (exists(path)) data::refuse_streaming(options, path, "it is no file");
    return std::nullopt;
  }
  const io::NpyHeader header = io::read_npy_header(path);
  const auto type = data::stored_type(header.dtype);
  if (!type) return std::nullopt;
  if (header.fortran_order && header.shape.rank() > 1) {
    data::refuse_streaming(options, path, "it is in Fortran order, so that a sample's values lie all over it");
    return std::nullopt;
  }
  return data::stream_array({path, path, static_cast<std::int64_t>(header.data_offset), *type, header.shape}, options);
}

Dataset open_npy(std::string_view file, const DataOptions& options) {
  const std::string path(file);
  if (const auto streamed = stream_npy(path, options)) return *streamed;
  const NpyArray array = read_npy(path);
  return data::dataset_from_array(path, array.view, array.owner, options.limit);
}

/// What can be data: the tensors of rank 2 or more.
const NamedTensor& only_matrix(const SafetensorsFile& file) {
  const NamedTensor* found = nullptr;
  std::vector<std::string_view> names;
  for (const NamedTensor& tensor : file.tensors())
    if (tensor.view.shape.rank() >= 2) {
      found = &tensor;
      names.push_back(tensor.name);
    }
  if (names.size() == 1) return *found;
  if (names.empty())
    throw InputError(fmt::format("{}: there is no tensor [N, ...] in it that can be read", file.path()));
  throw InputError(fmt::format("{}: which of its tensors? Write safetensors:{}#TENSOR with one of: {}", file.path(),
                               file.path(), fmt::join(names, ", ")));
}

const NamedTensor& named_tensor(const SafetensorsFile& file, const std::string& name) {
  if (const NamedTensor* found = file.find(name)) return *found;
  for (const auto& [skipped, type] : file.skipped())
    if (skipped == name)
      throw InputError(
          fmt::format("{}: tensor \"{}\" has element type {}, which is not supported; store it as F32, F16, BF16 or U8",
                      file.path(), name, type));
  std::vector<std::string_view> names;
  for (const NamedTensor& tensor : file.tensors()) names.push_back(tensor.name);
  throw InputError(fmt::format("{}: no tensor \"{}\"{}; it has: {}", file.path(), name,
                               words::did_you_mean(name, names), fmt::join(names, ", ")));
}

Dataset open_safetensors(std::string_view source, const DataOptions& options) {
  const auto [path, name] = split_at_last(source, '#');
  const SafetensorsFile file = SafetensorsFile::open(path);
  const NamedTensor& tensor = name.empty() ? only_matrix(file) : named_tensor(file, name);
  const std::string full_name = fmt::format("{}#{}", path, tensor.name);
  std::error_code ignored;
  const auto type = data::stored_type(tensor.view.dtype);
  if (type && options.stream != Streaming::off && std::filesystem::is_regular_file(path, ignored)) {
    const data::StoredArray array{full_name, path, file.offset_of(tensor), *type, tensor.view.shape};
    if (const auto streamed = data::stream_array(array, options)) return *streamed;
  }
  return data::dataset_from_array(full_name, tensor.view, file.owner(), options.limit);
}

Dataset open_synthetic(std::string_view count, const DataOptions& options) {
  data::refuse_streaming(options, "synthetic", "its samples are drawn, not read");
  std::int64_t rows = options.split == Split::train ? 60000 : 10000;
  if (!count.empty()) {
    const auto [end, error] = std::from_chars(count.data(), count.data() + count.size(), rows);
    if (error != std::errc() || end != count.data() + count.size() || rows < 1)
      throw InputError(fmt::format("--data synthetic:{}: the number of samples must be a whole number from 1", count));
  }
  if (options.limit > 0) rows = std::min(rows, options.limit);
  return synthetic_digits(rows, options.split, options.seed);
}

Dataset open_images(std::string_view directory, const DataOptions& options) {
  data::refuse_streaming(options, std::string(directory), "its samples are pictures, which must be decoded");
  return data::open_image_folder(std::string(directory), options);
}

struct Kind {
  std::string_view name;
  std::string_view form;  ///< "[:" where the part after the colon may be left out
  Dataset (*open)(std::string_view rest, const DataOptions& options);
  bool has_splits;  ///< else it is one file, and the other split another one
};

constexpr std::array<Kind, 6> kKinds = {{
    {"mnist", "mnist[:DIR]", open_mnist, true},
    {"idx", "idx:IMAGES[,LABELS]", open_idx, false},
    {"npy", "npy:FILE", open_npy, false},
    {"safetensors", "safetensors:FILE[#TENSOR]", open_safetensors, false},
    {"synthetic", "synthetic[:N]", open_synthetic, true},
    {"images", "images:DIR", open_images, true},
}};

[[noreturn]] void fail_unknown(std::string_view source, std::string_view word) {
  std::vector<std::string_view> names, forms;
  for (const Kind& kind : kKinds) {
    names.push_back(kind.name);
    forms.push_back(kind.form);
  }
  throw InputError(fmt::format("unknown data source \"{}\"{}; known: {}", source, words::did_you_mean(word, names),
                               fmt::join(forms, ", ")));
}

void check(const DataOptions& options) {
  if (options.limit < 0) throw InputError(fmt::format("limit must be 0 (all) or more, not {}", options.limit));
  const auto [width, height] = options.resize;
  if (options.resize == ImageSize{}) return;
  if (width < 1 || height < 1 || width > data::kMostPixels / height)
    throw InputError(
        fmt::format("cannot resize images to {} x {} pixels: both must be at least 1, their product at "
                    "most {}",
                    width, height, data::kMostPixels));
}

void refuse_image_options(std::string_view source, const DataOptions& options) {
  if (options.resize != ImageSize{} || options.color)
    throw InputError(fmt::format("{} is for images:DIR; the samples of {} have a shape of their own",
                                 options.color ? "color" : "resize", source));
}

}  // namespace

Dataset open_dataset(std::string_view source, const DataOptions& options) {
  check(options);
  const std::size_t colon = source.find(':');
  const std::string_view word = source.substr(0, colon);
  const std::string_view rest = colon == std::string_view::npos ? std::string_view() : source.substr(colon + 1);
  for (const Kind& kind : kKinds) {
    if (kind.name != word) continue;
    const bool optional = kind.form.find("[:") != std::string_view::npos;
    if (rest.empty() && (colon != std::string_view::npos || !optional))
      throw InputError(fmt::format("data source \"{}\" is incomplete: write {}", source, kind.form));
    if (kind.open != open_images) refuse_image_options(source, options);
    if (!kind.has_splits && options.split == Split::test)
      throw InputError(fmt::format("{} has no test split; name the other file with --data", rest));
    const Dataset data = kind.open(rest, options);
    return options.threshold && !data.streamed() ? data::threshold(data) : data;
  }
  fail_unknown(source, word);
}

}  // namespace lacuna
