#include "lacuna/parameter_arrays.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>
#include <string_view>

#include "io/atomic_directory.h"
#include "lacuna/error.h"
#include "lacuna/npy.h"

namespace lacuna {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kEnding = ".npy";

struct Array {
  std::string name;
  Shape shape;
  std::vector<float> values;
};

/// [rows, columns] to [columns, rows].
std::vector<float> transposed(const float* from, std::int64_t rows, std::int64_t columns) {
  std::vector<float> to(static_cast<std::size_t>(rows * columns));
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j) to[static_cast<std::size_t>(j * rows + i)] = from[i * columns + j];
  return to;
}

/// As in files, whatever the layout in memory.
std::vector<float> values_of(const Model& model, const Parameter& parameter) {
  const float* from = model.parameters.data() + parameter.offset;
  if (parameter.layout == WeightLayout::in_out) return transposed(from, parameter.shape[1], parameter.shape[0]);
  return {from, from + parameter.elements()};
}

std::string layer_of(const Parameter& parameter) {
  return parameter.name.substr(0, parameter.name.rfind('.'));
}

const Parameter* find(const ParameterLayout& layout, const std::string& name) {
  const auto found = std::ranges::find(layout.parameters(), name, &Parameter::name);
  return found == layout.parameters().end() ? nullptr : &*found;
}

/// The two parameters of one dense layer.
struct DenseLayer {
  const Parameter* weight = nullptr;
  const Parameter* bias = nullptr;

  Shape shape_with_bias_row() const { return {weight->shape[1] + 1, weight->shape[0]}; }
};

DenseLayer dense_layer(const ParameterLayout& layout, const std::string& name) {
  const DenseLayer layer{find(layout, name + ".weight"), find(layout, name + ".bias")};
  LACUNA_EXPECTS(layer.weight != nullptr && layer.bias != nullptr, "a layer has a weight and a bias");
  if (layer.weight->shape.rank() != 2)
    throw InputError(fmt::format("an array with a bias row is for dense layers, but {} has shape {}",
                                 layer.weight->name, to_string(layer.weight->shape)));
  return layer;
}

Array with_bias_row(const Model& model, const std::string& name) {
  const DenseLayer layer = dense_layer(model.layout, name);
  Array array{name, layer.shape_with_bias_row(), values_of(model, *layer.bias)};
  const auto weight =
      transposed(values_of(model, *layer.weight).data(), layer.weight->shape[0], layer.weight->shape[1]);
  array.values.insert(array.values.end(), weight.begin(), weight.end());
  return array;
}

std::vector<Array> arrays_of(const Model& model, bool bias_row) {
  std::vector<Array> arrays;
  for (const Parameter& parameter : model.layout.parameters()) {
    if (!bias_row)
      arrays.push_back({parameter.name, parameter.shape, values_of(model, parameter)});
    else if (!parameter.name.ends_with(".bias"))
      arrays.push_back(with_bias_row(model, layer_of(parameter)));
  }
  return arrays;
}

std::set<std::string> names_in(const std::string& directory) {
  std::set<std::string> names;
  std::error_code error;
  fs::directory_iterator next(directory, error);
  for (const fs::directory_iterator end; !error && next != end; next.increment(error)) {
    const std::string file = next->path().filename().string();
    if (file.ends_with(kEnding)) names.insert(file.substr(0, file.size() - kEnding.size()));
  }
  if (error) throw InputError(fmt::format("cannot list {}: {}", directory, error.message()));
  if (names.empty())
    throw InputError(fmt::format("{}: neither a model.safetensors nor arrays (.npy) are in it", directory));
  return names;
}

/// The arrays of a directory, each to be taken once.
class Reader {
 public:
  explicit Reader(const std::string& directory) : directory_(directory), names_(names_in(directory)), left_(names_) {}

  bool has(const std::string& name) const { return names_.contains(name); }
  std::string path(const std::string& name) const {
    return (fs::path(directory_) / (name + std::string(kEnding))).string();
  }

  std::vector<float> take(const std::string& name, const Shape& wanted) {
    if (left_.erase(name) == 0)
      throw InputError(fmt::format("{} is missing; the network needs it with shape {}", path(name), to_string(wanted)));
    const std::string file = path(name);
    const NpyArray array = read_npy(file);
    if (!(array.view.shape == wanted))
      throw InputError(fmt::format("{} has shape {}, but the network needs {}", file, to_string(array.view.shape),
                                   to_string(wanted)));
    std::vector<float> values = to_floats(array.view, file);
    const auto bad = std::ranges::find_if_not(values, [](float value) { return std::isfinite(value); });
    if (bad != values.end()) throw InputError(fmt::format("{}: element {} is {}", file, bad - values.begin(), *bad));
    return values;
  }

  void require_all_taken() const {
    if (!left_.empty()) throw InputError(fmt::format("{} has no place in the network", path(*left_.begin())));
  }

 private:
  static std::vector<float> to_floats(const ConstTensorView& view, const std::string& file) {
    const std::int64_t count = view.shape.elements();
    if (view.dtype == DType::f32) {
      const auto* values = static_cast<const float*>(view.data);
      return {values, values + count};
    }
    if (view.dtype != DType::f64)
      throw InputError(
          fmt::format("{} holds {} values; parameters must be float32 or float64", file, to_string(view.dtype)));
    std::vector<float> floats(static_cast<std::size_t>(count));
    const auto* values = static_cast<const double*>(view.data);
    std::transform(values, values + count, floats.begin(), [](double value) { return static_cast<float>(value); });
    return floats;
  }

  std::string directory_;
  std::set<std::string> names_;
  std::set<std::string> left_;
};

/// Puts values, as in files, into the slab; those of a tied weight must be what is there.
void put(Model& model, const Parameter& parameter, const std::vector<float>& values, const std::string& path) {
  const std::vector<float> stored = parameter.layout == WeightLayout::in_out
                                        ? transposed(values.data(), parameter.shape[0], parameter.shape[1])
                                        : values;
  const auto place = model.parameters.begin() + parameter.offset;
  if (parameter.alias_of.empty())
    std::ranges::copy(stored, place);
  else if (!std::equal(stored.begin(), stored.end(), place))
    throw InputError(
        fmt::format("{}: {} is tied to {}, but its values are others", path, parameter.name, parameter.alias_of));
}

void take_with_bias_row(Model& model, Reader& reader, const std::string& name) {
  const DenseLayer layer = dense_layer(model.layout, name);
  for (const Parameter* parameter : {layer.weight, layer.bias})
    if (reader.has(parameter->name))
      throw InputError(
          fmt::format("{} and {} are both there; which is meant?", reader.path(name), reader.path(parameter->name)));
  const std::vector<float> values = reader.take(name, layer.shape_with_bias_row());
  const std::int64_t outputs = layer.weight->shape[0];
  put(model, *layer.bias, {values.begin(), values.begin() + outputs}, reader.path(name));
  put(model, *layer.weight, transposed(values.data() + outputs, layer.weight->shape[1], outputs), reader.path(name));
}

}  // namespace

std::vector<std::string> save_parameter_arrays(const std::string& directory, const Model& model, bool bias_row) {
  const std::vector<Array> arrays = arrays_of(model, bias_row);
  io::AtomicDirectory out(directory);
  std::vector<std::string> files;
  for (const Array& array : arrays) {
    const std::string file = array.name + std::string(kEnding);
    write_npy(out.file(file), {array.values.data(), DType::f32, array.shape});
    files.push_back((fs::path(directory) / file).string());
  }
  out.commit();
  return files;
}

void load_parameter_arrays(Model& model, const std::string& directory) {
  Reader reader(directory);
  Model loaded = model;
  for (const Parameter& parameter : model.layout.parameters()) {
    const std::string layer = layer_of(parameter);
    if (!reader.has(layer))
      put(loaded, parameter, reader.take(parameter.name, parameter.shape), reader.path(parameter.name));
    else if (parameter.name.ends_with(".weight"))
      take_with_bias_row(loaded, reader, layer);
  }
  reader.require_all_taken();
  model.parameters = std::move(loaded.parameters);
}

}  // namespace lacuna
