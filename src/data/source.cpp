#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>

#include "core/words.h"
#include "data/array_source.h"
#include "data/idx.h"
#include "data/mnist.h"
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

Dataset open_images_and_labels(const std::string& images_path, const std::string& labels_path, std::int64_t limit) {
  std::vector<std::int32_t> labels;
  std::int64_t label_count = 0;
  if (!labels_path.empty()) labels = data::read_idx_labels(labels_path, limit, &label_count);
  const data::IdxArray images = data::read_idx(images_path, limit);
  if (!labels_path.empty() && label_count != images.announced_rows)
    throw InputError(fmt::format("{} holds {} images but {} holds {} labels; they must belong together", images_path,
                                 images.announced_rows, labels_path, label_count));
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
    if (!images.empty() && !labels.empty()) return open_images_and_labels(images, labels, options.limit);
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
  return open_images_and_labels(images, labels, options.limit);
}

Dataset open_npy(std::string_view file, const DataOptions& options) {
  const std::string path(file);
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
          fmt::format("{}: tensor \"{}\" has element type {}, which is not supported; store it as F32 or U8",
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
  return data::dataset_from_array(fmt::format("{}#{}", path, tensor.name), tensor.view, file.owner(), options.limit);
}

Dataset open_synthetic(std::string_view count, const DataOptions& options) {
  std::int64_t rows = options.split == Split::train ? 60000 : 10000;
  if (!count.empty()) {
    const auto [end, error] = std::from_chars(count.data(), count.data() + count.size(), rows);
    if (error != std::errc() || end != count.data() + count.size() || rows < 1)
      throw InputError(fmt::format("--data synthetic:{}: the number of samples must be a whole number from 1", count));
  }
  if (options.limit > 0) rows = std::min(rows, options.limit);
  return synthetic_digits(rows, options.split, options.seed);
}

Dataset open_images(std::string_view, const DataOptions&) {
  throw InputError("--data images:DIR is not built yet; convert the images to an .npy file and use npy:FILE");
}

struct Kind {
  std::string_view name;
  std::string_view form;  ///< "[:" where the part after the colon may be left out
  Dataset (*open)(std::string_view rest, const DataOptions& options);
};

constexpr std::array<Kind, 6> kKinds = {{
    {"mnist", "mnist[:DIR]", open_mnist},
    {"idx", "idx:IMAGES[,LABELS]", open_idx},
    {"npy", "npy:FILE", open_npy},
    {"safetensors", "safetensors:FILE[#TENSOR]", open_safetensors},
    {"synthetic", "synthetic[:N]", open_synthetic},
    {"images", "images:DIR", open_images},
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

}  // namespace

Dataset open_dataset(std::string_view source, const DataOptions& options) {
  if (options.limit < 0) throw InputError(fmt::format("limit must be 0 (all) or more, not {}", options.limit));
  const std::size_t colon = source.find(':');
  const std::string_view word = source.substr(0, colon);
  const std::string_view rest = colon == std::string_view::npos ? std::string_view() : source.substr(colon + 1);
  for (const Kind& kind : kKinds) {
    if (kind.name != word) continue;
    const bool optional = kind.form.find("[:") != std::string_view::npos;
    if (rest.empty() && (colon != std::string_view::npos || !optional))
      throw InputError(fmt::format("data source \"{}\" is incomplete: write {}", source, kind.form));
    return kind.open(rest, options);
  }
  fail_unknown(source, word);
}

}  // namespace lacuna
