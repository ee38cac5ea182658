#include "model/model_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

#include "io/printable.h"
#include "lacuna/error.h"

namespace lacuna {
namespace {

using io::printable;

constexpr const char* kSampleShapeKey = "sample_shape";
constexpr std::string_view kActivationPrefix = "activation.";
constexpr const char* kParts[] = {"encoder", "decoder"};

struct LayerTensors {
  const NamedTensor* weight = nullptr;
  const NamedTensor* bias = nullptr;
};
using LayerMap = std::map<std::int64_t, LayerTensors>;  // by the layer's number, which may be anything in a file

[[noreturn]] void fail(const SafetensorsFile& file, const std::string& what) {
  throw InputError(fmt::format("{}: {}", file.path(), what));
}

/// The number of "encoder.12.weight" between `prefix` and `suffix`; none if the name is not of this form.
std::optional<std::int64_t> layer_number(std::string_view name, std::string_view prefix, std::string_view suffix) {
  if (!name.starts_with(prefix) || !name.ends_with(suffix) || name.size() <= prefix.size() + suffix.size()) return {};
  const std::string_view digits = name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
  std::int64_t number = -1;
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), number);
  const bool canonical = error == std::errc() && end == digits.end() && number >= 0 && std::to_string(number) == digits;
  return canonical ? std::optional(number) : std::nullopt;
}

/// Puts the tensor into its layer. Returns false if the name is not one of this part's.
bool place(const NamedTensor& tensor, const std::string& part, LayerMap& layers) {
  if (const auto number = layer_number(tensor.name, part + ".", ".weight"))
    layers[*number].weight = &tensor;
  else if (const auto bias_number = layer_number(tensor.name, part + ".", ".bias"))
    layers[*bias_number].bias = &tensor;
  else
    return false;
  return true;
}

void require_kind(const SafetensorsFile& file, const NamedTensor& tensor, int rank, const char* wanted) {
  if (tensor.view.dtype != DType::f32)
    fail(file, fmt::format("tensor {} is {}; parameters must be float32", printable(tensor.name),
                           to_string(tensor.view.dtype)));
  if (tensor.view.shape.rank() != rank || tensor.view.shape.elements() == 0)
    fail(file, fmt::format("tensor {} has shape {}; expected {}", printable(tensor.name), to_string(tensor.view.shape),
                           wanted));
}

Activation activation_of(const SafetensorsFile& file, const std::string& layer) {
  const auto entry = file.metadata().find(std::string(kActivationPrefix) + layer);
  if (entry == file.metadata().end()) return Activation::sigmoid;
  try {
    return parse_activation(entry->second);
  } catch (const InputError& error) {
    fail(file, fmt::format("metadata key {}: {}", printable(entry->first), error.what()));
  }
}

/// Checks one part's tensors and appends its layers. `before` gives the values that enter the first one.
std::vector<Layer> layers_of(const SafetensorsFile& file, const std::string& part, const LayerMap& tensors,
                             const NamedTensor* before) {
  std::vector<Layer> layers;
  for (const auto& [number, found] : tensors) {
    const auto name = fmt::format("{}.{}", part, layers.size());
    if (number != static_cast<std::int64_t>(layers.size()))
      fail(file, fmt::format("tensor \"{}.weight\" is missing, but there is a layer \"{}.{}\"", name, part, number));
    if (!found.weight) fail(file, fmt::format("tensor \"{}.weight\" is missing", name));
    if (!found.bias) fail(file, fmt::format("tensor \"{}.bias\" is missing", name));
    require_kind(file, *found.weight, 2, "[outputs, inputs]");
    require_kind(file, *found.bias, 1, "[outputs]");
    const Shape& weight = found.weight->view.shape;
    if (found.bias->view.shape[0] != weight[0])
      fail(file, fmt::format("tensor \"{}.bias\" has shape {}, but \"{}.weight\" has {}", name,
                             to_string(found.bias->view.shape), name, to_string(weight)));
    if (before && weight[1] != before->view.shape[0])
      fail(file, fmt::format("tensor \"{}.weight\" has shape {} and does not follow on from {} of shape {}", name,
                             to_string(weight), printable(before->name), to_string(before->view.shape)));
    layers.push_back({weight[1], weight[0], activation_of(file, name)});
    before = found.weight;
  }
  if (layers.empty()) fail(file, fmt::format("tensor \"{}.0.weight\" is missing: not an autoencoder", part));
  return layers;
}

void sort_tensors(const SafetensorsFile& file, LayerMap (&parts)[2]) {
  for (const auto& [name, type] : file.skipped())
    if (!name.starts_with(kOptimizerPrefix))
      fail(file, fmt::format("tensor {} is {}; parameters must be F32", printable(name), type));
  for (const NamedTensor& tensor : file.tensors())
    if (!tensor.name.starts_with(kOptimizerPrefix) && !place(tensor, kParts[0], parts[0]) &&
        !place(tensor, kParts[1], parts[1]))
      fail(file, fmt::format("tensor {} is not part of an autoencoder (encoder.I.weight, encoder.I.bias, "
                             "decoder.I.weight, decoder.I.bias)",
                             printable(tensor.name)));
}

Network network_of(const SafetensorsFile& file) {
  LayerMap parts[2];
  sort_tensors(file, parts);
  Network network;
  network.encoder = layers_of(file, kParts[0], parts[0], nullptr);
  network.decoder = layers_of(file, kParts[1], parts[1], parts[0].rbegin()->second.weight);
  if (network.output_layer().outputs != network.features())
    fail(file, fmt::format("\"encoder.0.weight\" has shape {}, but the last decoder weight has shape {}: a "
                           "reconstruction must be as long as a sample",
                           to_string(parts[0].begin()->second.weight->view.shape),
                           to_string(parts[1].rbegin()->second.weight->view.shape)));
  network.validate();
  return network;
}

Shape sample_shape_of(const SafetensorsFile& file, std::int64_t features) {
  Shape shape;
  const auto entry = file.metadata().find(kSampleShapeKey);
  if (entry == file.metadata().end()) return shape;
  const std::string& text = entry->second;
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto refuse = [&](const std::string& why) {
    fail(file, fmt::format("metadata key \"{}\" is {}: {}", kSampleShapeKey, printable(text), why));
  };
  std::int64_t product = 1;
  for (;;) {
    std::int64_t extent = 0;
    const auto [next, error] = std::from_chars(at, end, extent);
    if (error != std::errc() || extent < 1 || shape.rank() == Shape::kMaxRank ||
        __builtin_mul_overflow(product, extent, &product))
      refuse("expected extents such as 28,28");
    shape.push_back(extent);
    if (next == end) break;
    if (*next != ',') refuse("expected extents such as 28,28");
    at = next + 1;
  }
  if (product != features) refuse(fmt::format("samples have {} values by \"encoder.0.weight\"", features));
  return shape;
}

std::int64_t first_nonfinite(const float* values, std::int64_t count) {
  const float* found = std::find_if_not(values, values + count, [](float value) { return std::isfinite(value); });
  return found == values + count ? -1 : found - values;
}

/// Metadata that belongs to the user: all but what describes the network or a checkpoint's state.
std::map<std::string, std::string> user_metadata(const SafetensorsFile& file, const ParameterLayout& layout) {
  std::map<std::string, std::string> kept;
  for (const auto& [key, value] : file.metadata()) {
    if (key == kSampleShapeKey || key.starts_with(kStatePrefix)) continue;
    if (!key.starts_with(kActivationPrefix)) {
      kept.emplace(key, value);
      continue;
    }
    const std::string weight = key.substr(kActivationPrefix.size()) + ".weight";
    if (std::ranges::none_of(layout.parameters(), [&](const Parameter& p) { return p.name == weight; }))
      fail(file, fmt::format("metadata key {} names a layer that the file does not hold", printable(key)));
  }
  return kept;
}

std::string model_path(const std::string& file_or_run_directory) {
  std::error_code ignored;
  const std::filesystem::path path(file_or_run_directory);
  return std::filesystem::is_directory(path, ignored) ? (path / "model.safetensors").string() : file_or_run_directory;
}

}  // namespace

std::vector<NamedTensor> parameter_tensors(const ParameterLayout& layout, const std::vector<float>& slab,
                                           const std::string& prefix) {
  std::vector<NamedTensor> tensors;
  for (const Parameter& parameter : layout.parameters()) {
    LACUNA_EXPECTS(parameter.layout == WeightLayout::out_in, "files hold weights as [outputs, inputs]");
    tensors.push_back({prefix + parameter.name, {slab.data() + parameter.offset, DType::f32, parameter.shape}});
  }
  return tensors;
}

std::map<std::string, std::string> model_metadata(const Model& model) {
  std::map<std::string, std::string> metadata = model.metadata;
  const std::vector<Layer>* const layers[] = {&model.network.encoder, &model.network.decoder};
  for (std::size_t part = 0; part < 2; ++part)
    for (std::size_t i = 0; i < layers[part]->size(); ++i)
      metadata[fmt::format("{}{}.{}", kActivationPrefix, kParts[part], i)] = to_string((*layers[part])[i].activation);
  metadata.erase(kSampleShapeKey);
  const Shape& shape = model.sample_shape;
  if (shape.rank() > 0) metadata[kSampleShapeKey] = fmt::format("{}", fmt::join(shape.begin(), shape.end(), ","));
  return metadata;
}

void require_finite_parameters(const Model& model, const std::string& path) {
  for (const Parameter& parameter : model.layout.parameters()) {
    const std::int64_t index = first_nonfinite(model.parameters.data() + parameter.offset, parameter.elements());
    if (index >= 0)
      throw Error(fmt::format("{} was not written: element {} of {} is {}; training has diverged, try a smaller --lr",
                              path, index, parameter.name,
                              model.parameters[static_cast<std::size_t>(parameter.offset + index)]));
  }
}

Model model_from(const SafetensorsFile& file) {
  Model model(network_of(file));
  model.sample_shape = sample_shape_of(file, model.network.features());
  model.metadata = user_metadata(file, model.layout);
  for (const Parameter& parameter : model.layout.parameters()) {
    const auto* values = static_cast<const float*>(file.find(parameter.name)->view.data);
    const std::int64_t index = first_nonfinite(values, parameter.elements());
    if (index >= 0)
      fail(file, fmt::format("tensor \"{}\" of shape {}: element {} is {}", parameter.name, to_string(parameter.shape),
                             index, values[index]));
    std::copy_n(values, parameter.elements(), model.parameters.data() + parameter.offset);
  }
  return model;
}

void save_model(const std::string& path, const Model& model) {
  require_finite_parameters(model, path);
  write_safetensors(path, parameter_tensors(model.layout, model.parameters), model_metadata(model));
}

Model load_model(const std::string& file_or_run_directory) {
  return model_from(SafetensorsFile::open(model_path(file_or_run_directory)));
}

void load_parameters(Model& model, const std::string& path) {
  const std::string file = model_path(path);
  const Model loaded = load_model(file);
  const auto& wanted = model.layout.parameters();
  const auto& found = loaded.layout.parameters();
  const auto same_name = [](const std::string& name) { return [&name](const Parameter& p) { return p.name == name; }; };
  for (const Parameter& parameter : wanted) {
    const auto match = std::ranges::find_if(found, same_name(parameter.name));
    if (match == found.end())
      throw InputError(fmt::format("{}: tensor \"{}\" is missing; the network needs it with shape {}", file,
                                   parameter.name, to_string(parameter.shape)));
    if (!(match->shape == parameter.shape))
      throw InputError(fmt::format("{}: tensor \"{}\" has shape {}, but the network needs {}", file, parameter.name,
                                   to_string(match->shape), to_string(parameter.shape)));
  }
  for (const Parameter& parameter : found)
    if (std::ranges::none_of(wanted, same_name(parameter.name)))
      throw InputError(fmt::format("{}: tensor \"{}\" of shape {} has no place in the network", file, parameter.name,
                                   to_string(parameter.shape)));
  // The same parameters in the same order lie at the same places.
  model.parameters = loaded.parameters;
}

}  // namespace lacuna
