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
#include "lacuna/parameter_arrays.h"
#include "model/convolution_size.h"

namespace lacuna {
namespace {

using io::printable;

constexpr const char* kSampleShapeKey = "sample_shape";
constexpr std::string_view kActivationPrefix = "activation.";
const std::string kConvolutionPrefix = "convolution.";
const std::string kKeptPrefix = "kept.";
constexpr const char* kTiedKey = "tied";
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

/// What a metadata key says, as whole numbers separated by commas; none if it is not there.
std::vector<std::int64_t> numbers_of(const SafetensorsFile& file, const std::string& key, std::size_t count) {
  const auto entry = file.metadata().find(key);
  if (entry == file.metadata().end()) return {};
  std::vector<std::int64_t> numbers;
  const char* at = entry->second.data();
  const char* const end = at + entry->second.size();
  for (;;) {
    std::int64_t number = 0;
    const auto [next, error] = std::from_chars(at, end, number);
    constexpr std::int64_t kMost = std::int64_t{1} << 31;
    const bool more = error == std::errc() && next != end && *next == ',';
    if (error != std::errc() || number < 0 || number > kMost || (next != end && !more) || numbers.size() == count)
      fail(file, fmt::format("metadata key {} is {}: expected {} whole numbers separated by commas", printable(key),
                             printable(entry->second), count));
    numbers.push_back(number);
    if (!more) break;
    at = next + 1;
  }
  if (numbers.size() != count)
    fail(file, fmt::format("metadata key {} is {}: expected {} whole numbers separated by commas", printable(key),
                           printable(entry->second), count));
  return numbers;
}

std::optional<Convolution> convolution_of(const SafetensorsFile& file, const std::string& layer) {
  const auto n = numbers_of(file, kConvolutionPrefix + layer, 9);
  if (n.empty()) return std::nullopt;
  Convolution c{n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7] != 0, n[8]};
  const auto too_large = [](std::int64_t extent) { return extent > (1 << 20); };
  if (std::ranges::any_of(n, too_large) || c.kernel < 1 || c.stride < 1 || c.height_out() < 1 || c.width_out() < 1)
    fail(file, fmt::format("metadata key {}{} describes no convolution", kConvolutionPrefix, layer));
  if (too_many_values(c))
    fail(file, fmt::format("metadata key {}{} describes a convolution of [{}, {}, {}] to [{}, {}, {}]: 2^31 or more "
                           "values for one sample are too many",
                           kConvolutionPrefix, layer, c.channels_in, c.height_in, c.width_in, c.channels_out,
                           c.height_out(), c.width_out()));
  return c;
}

/// The layer that a weight and a bias make up, their shapes checked against each other.
Layer layer_of(const SafetensorsFile& file, const std::string& name, const LayerTensors& found) {
  if (!found.weight) fail(file, fmt::format("tensor \"{}.weight\" is missing", name));
  if (!found.bias) fail(file, fmt::format("tensor \"{}.bias\" is missing", name));
  const auto convolution = convolution_of(file, name);
  require_kind(file, *found.weight, convolution ? 4 : 2,
               convolution ? "[out, in, kernel, kernel]" : "[outputs, inputs]");
  require_kind(file, *found.bias, 1, "[outputs]");
  const Shape& weight = found.weight->view.shape;
  Layer layer = convolution ? Layer::of(*convolution, activation_of(file, name))
                            : Layer{weight[1], weight[0], activation_of(file, name)};
  if (!(weight == layer.weight_shape()))
    fail(file, fmt::format("tensor \"{}.weight\" has shape {}, but its metadata describe {}", name, to_string(weight),
                           to_string(layer.weight_shape())));
  if (found.bias->view.shape[0] != layer.channels())
    fail(file, fmt::format("tensor \"{}.bias\" has shape {}, but \"{}.weight\" has {}", name,
                           to_string(found.bias->view.shape), name, to_string(weight)));
  if (const auto kept = numbers_of(file, kKeptPrefix + name, 2); !kept.empty()) {
    layer.kept = kept[0];
    layer.kept_in_evaluation = kept[1];
  }
  return layer;
}

/// Checks one part's tensors and appends its layers. `before` gives the values that enter the first one.
std::vector<Layer> layers_of(const SafetensorsFile& file, const std::string& part, const LayerMap& tensors,
                             const NamedTensor* before, std::int64_t width) {
  std::vector<Layer> layers;
  for (const auto& [number, found] : tensors) {
    const auto name = fmt::format("{}.{}", part, layers.size());
    if (number != static_cast<std::int64_t>(layers.size()))
      fail(file, fmt::format("tensor \"{}.weight\" is missing, but there is a layer \"{}.{}\"", name, part, number));
    layers.push_back(layer_of(file, name, found));
    if (before && layers.back().inputs != width)
      fail(file,
           fmt::format("tensor \"{}.weight\" has shape {} and does not follow on from {} of shape {}", name,
                       to_string(found.weight->view.shape), printable(before->name), to_string(before->view.shape)));
    width = layers.back().outputs;
    before = found.weight;
  }
  return layers;
}

struct FoundTensors {
  LayerMap encoder, decoder;
  LayerTensors classifier;
};

FoundTensors sort_tensors(const SafetensorsFile& file) {
  FoundTensors found;
  for (const auto& [name, type] : file.skipped())
    if (!name.starts_with(kOptimizerPrefix))
      fail(file, fmt::format("tensor {} is {}; parameters must be F32", printable(name), type));
  for (const NamedTensor& tensor : file.tensors()) {
    if (tensor.name.starts_with(kOptimizerPrefix)) continue;
    if (tensor.name == "classifier.weight") {
      found.classifier.weight = &tensor;
    } else if (tensor.name == "classifier.bias") {
      found.classifier.bias = &tensor;
    } else if (!place(tensor, kParts[0], found.encoder) && !place(tensor, kParts[1], found.decoder)) {
      fail(file, fmt::format("tensor {} is not part of an autoencoder or a classifier (encoder.I.weight, "
                             "encoder.I.bias, decoder.I.weight, decoder.I.bias, classifier.weight, classifier.bias)",
                             printable(tensor.name)));
    }
  }
  return found;
}

Network network_of(const SafetensorsFile& file) {
  const FoundTensors found = sort_tensors(file);
  const bool classifies = found.classifier.weight || found.classifier.bias;
  Network network;
  network.encoder = layers_of(file, kParts[0], found.encoder, nullptr, 0);
  if (network.encoder.empty() && !classifies)
    fail(file, "tensor \"encoder.0.weight\" is missing: neither an autoencoder nor a classifier");
  const NamedTensor* code = found.encoder.empty() ? nullptr : found.encoder.rbegin()->second.weight;
  const std::int64_t units = network.encoder.empty() ? 0 : network.encoder.back().outputs;
  if (classifies) {
    if (!found.decoder.empty()) fail(file, "has both a decoder and a classifier");
    network.classifier = layer_of(file, "classifier", found.classifier);
    network.classifier->activation = Activation::identity;
    if (code && network.classifier->inputs != units)
      fail(file, fmt::format("tensor \"classifier.weight\" has shape {} and does not follow on from {} of shape {}",
                             to_string(found.classifier.weight->view.shape), printable(code->name),
                             to_string(code->view.shape)));
  } else {
    network.decoder = layers_of(file, kParts[1], found.decoder, code, units);
    if (network.decoder.empty()) fail(file, "tensor \"decoder.0.weight\" is missing: not an autoencoder");
    if (network.output_layer().outputs != network.features())
      fail(file, fmt::format("\"encoder.0.weight\" has shape {}, but the last decoder weight has shape {}: a "
                             "reconstruction must be as long as a sample",
                             to_string(found.encoder.begin()->second.weight->view.shape),
                             to_string(found.decoder.rbegin()->second.weight->view.shape)));
  }
  const auto tied = file.metadata().find(kTiedKey);
  network.tied = tied != file.metadata().end() && tied->second == "true";
  try {
    network.validate();
  } catch (const InputError& error) {
    fail(file, error.what());
  }
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
    if (key == kSampleShapeKey || key == kTiedKey || key.starts_with(kStatePrefix)) continue;
    const bool of_layer =
        key.starts_with(kActivationPrefix) || key.starts_with(kConvolutionPrefix) || key.starts_with(kKeptPrefix);
    if (!of_layer) {
      kept.emplace(key, value);
      continue;
    }
    const std::string weight = key.substr(key.find('.') + 1) + ".weight";
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

/// A tied weight as files hold it: [out, in], from its owner's [in, out].
std::vector<float> turned(const Parameter& parameter, const float* owner) {
  const std::int64_t out = parameter.shape[0], in = parameter.shape[1];
  std::vector<float> values(static_cast<std::size_t>(out * in));
  for (std::int64_t i = 0; i < out; ++i)
    for (std::int64_t j = 0; j < in; ++j) values[static_cast<std::size_t>(i * in + j)] = owner[j * out + i];
  return values;
}

void require_transpose(const SafetensorsFile& file, const Parameter& parameter, const float* values,
                       const float* owner) {
  const std::vector<float> wanted = turned(parameter, owner);
  if (!std::equal(wanted.begin(), wanted.end(), values))
    fail(file, fmt::format("tensor \"{}\" is tied by the metadata, but is not the transpose of \"{}\"", parameter.name,
                           parameter.alias_of));
}

}  // namespace

std::vector<NamedTensor> parameter_tensors(const ParameterLayout& layout, const std::vector<float>& slab,
                                           const std::string& prefix) {
  std::vector<NamedTensor> tensors;
  for (const Parameter& parameter : layout.parameters())
    if (parameter.alias_of.empty())
      tensors.push_back({prefix + parameter.name, {slab.data() + parameter.offset, DType::f32, parameter.shape}});
  return tensors;
}

ModelTensors model_tensors(const Model& model) {
  ModelTensors result;
  for (const Parameter& parameter : model.layout.parameters()) {
    const float* values = model.parameters.data() + parameter.offset;
    if (!parameter.alias_of.empty()) values = result.turned.emplace_back(turned(parameter, values)).data();
    result.tensors.push_back({parameter.name, {values, DType::f32, parameter.shape}});
  }
  return result;
}

std::map<std::string, std::string> model_metadata(const Model& model) {
  std::map<std::string, std::string> metadata = model.metadata;
  const auto describe = [&metadata](const Layer& layer, const std::string& name) {
    metadata[std::string(kActivationPrefix) + name] = to_string(layer.activation);
    if (const auto& c = layer.convolution)
      metadata[kConvolutionPrefix + name] =
          fmt::format("{},{},{},{},{},{},{},{},{}", c->channels_in, c->height_in, c->width_in, c->channels_out,
                      c->kernel, c->stride, c->padding, c->transposed ? 1 : 0, c->output_padding);
    if (layer.kept > 0) metadata[kKeptPrefix + name] = fmt::format("{},{}", layer.kept, layer.kept_in_evaluation);
  };
  const std::vector<Layer>* const layers[] = {&model.network.encoder, &model.network.decoder};
  for (std::size_t part = 0; part < 2; ++part)
    for (std::size_t i = 0; i < layers[part]->size(); ++i)
      describe((*layers[part])[i], fmt::format("{}.{}", kParts[part], i));
  if (model.network.tied) metadata[kTiedKey] = "true";
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
    if (!parameter.alias_of.empty()) {
      require_transpose(file, parameter, values, model.data(parameter.alias_of));
      continue;
    }
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
  write_safetensors(path, model_tensors(model).tensors, model_metadata(model));
}

Model load_model(const std::string& file_or_run_directory) {
  return model_from(SafetensorsFile::open(model_path(file_or_run_directory)));
}

void load_parameters(Model& model, const std::string& path) {
  const std::string file = model_path(path);
  if (std::error_code ignored; std::filesystem::is_directory(path, ignored) && !std::filesystem::exists(file, ignored))
    return load_parameter_arrays(model, path);
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
  if (model.network.tied != loaded.network.tied)
    throw InputError(fmt::format("{}: its weights are {}tied, those of the network are {}tied", file,
                                 loaded.network.tied ? "" : "not ", model.network.tied ? "" : "not "));
  // The same parameters in the same order lie at the same places.
  model.parameters = loaded.parameters;
}

}  // namespace lacuna
