#include "lacuna/network.h"

#include <fmt/format.h>

#include "core/words.h"
#include "lacuna/error.h"

namespace lacuna {

namespace {

constexpr words::Table<Activation, 3> kActivations{{
    {Activation::identity, "identity"},
    {Activation::sigmoid, "sigmoid"},
    {Activation::relu, "relu"},
}};

}  // namespace

const char* to_string(Activation activation) {
  return words::word_of(kActivations, activation);
}
Activation parse_activation(std::string_view word) {
  return words::parse(kActivations, "activation", word);
}

Network Network::autoencoder(std::int64_t features, const std::vector<std::int64_t>& hidden,
                             Activation hidden_activation, Activation output_activation) {
  if (hidden.empty()) throw InputError("an autoencoder needs at least one hidden layer");
  Network network;
  std::int64_t width = features;
  for (std::int64_t units : hidden) {
    network.encoder.push_back({width, units, hidden_activation});
    width = units;
  }
  for (std::size_t i = hidden.size(); i-- > 0;) {
    const bool last = i == 0;
    network.decoder.push_back(
        {hidden[i], last ? features : hidden[i - 1], last ? output_activation : hidden_activation});
  }
  network.validate();
  return network;
}

void Network::validate() const {
  if (encoder.empty() || decoder.empty())
    throw InputError("a network needs at least one encoder and one decoder layer");
  std::int64_t width = features();
  std::int64_t total = 0;
  const auto check = [&](const Layer& layer, const char* part, std::size_t index) {
    const std::string name = fmt::format("{}.{}", part, index);
    if (layer.inputs < 1 || layer.outputs < 1)
      throw InputError(
          fmt::format("layer {} is {} -> {}: sizes must be at least 1", name, layer.inputs, layer.outputs));
    if (layer.inputs != width)
      throw InputError(
          fmt::format("layer {} takes {} values, but the layer before gives {}", name, layer.inputs, width));
    std::int64_t weights = 0;
    if (__builtin_mul_overflow(layer.inputs, layer.outputs, &weights) ||
        __builtin_add_overflow(total, weights, &total) || total > (std::int64_t{1} << 56))
      throw InputError(
          fmt::format("layer {} of {} x {} weights is too large to be indexed", name, layer.outputs, layer.inputs));
    width = layer.outputs;
  };
  for (std::size_t i = 0; i < encoder.size(); ++i) check(encoder[i], "encoder", i);
  for (std::size_t i = 0; i < decoder.size(); ++i) check(decoder[i], "decoder", i);
  if (width != features())
    throw InputError(fmt::format("the decoder ends with {} values, but the data have {}", width, features()));
}

ParameterLayout::ParameterLayout(const Network& network) {
  network.validate();
  const auto add = [&](std::string name, const Shape& shape, bool decays) {
    parameters_.push_back({std::move(name), shape, slab_elements_, decays, WeightLayout::out_in, {}});
    const std::int64_t elements = shape.elements();
    slab_elements_ += (elements + kAlignment - 1) / kAlignment * kAlignment;
  };
  const auto add_layers = [&](const std::vector<Layer>& layers, const char* part) {
    for (std::size_t i = 0; i < layers.size(); ++i) {
      add(fmt::format("{}.{}.weight", part, i), {layers[i].outputs, layers[i].inputs}, true);
      add(fmt::format("{}.{}.bias", part, i), {layers[i].outputs}, false);
    }
  };
  add_layers(network.encoder, "encoder");
  add_layers(network.decoder, "decoder");
}

const Parameter& ParameterLayout::operator[](std::string_view name) const {
  for (const Parameter& parameter : parameters_)
    if (parameter.name == name) return parameter;
  throw ContractError(fmt::format("there is no parameter named {}", name));
}

}  // namespace lacuna
