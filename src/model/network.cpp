#include "lacuna/network.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "core/words.h"
#include "lacuna/error.h"
#include "model/convolution_size.h"

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

std::int64_t Convolution::extent_out(std::int64_t extent) const {
  if (transposed) return (extent - 1) * stride - 2 * padding + kernel + output_padding;
  const std::int64_t room = extent + 2 * padding - kernel;
  return room < 0 ? 0 : room / stride + 1;
}

Shape Convolution::weight_shape() const {
  const std::int64_t first = transposed ? channels_in : channels_out, second = transposed ? channels_out : channels_in;
  return {first, second, kernel, kernel};
}

Convolution Convolution::mirrored() const {
  Convolution back = *this;
  back.transposed = !transposed;
  back.channels_in = channels_out;
  back.channels_out = channels_in;
  back.height_in = height_out();
  back.width_in = width_out();
  back.output_padding = transposed ? 0 : (height_in + 2 * padding - kernel) % stride;
  return back;
}

bool too_many_values(const Convolution& convolution) {
  const Convolution& c = convolution;
  const auto exceeds = [](std::int64_t channels, std::int64_t height, std::int64_t width) {
    constexpr std::int64_t kMost = (std::int64_t{1} << 31) - 1;
    std::int64_t product = 0;
    return __builtin_mul_overflow(channels, height, &product) || __builtin_mul_overflow(product, width, &product) ||
           product > kMost;
  };
  return exceeds(c.channels_in, c.height_in, c.width_in) || exceeds(c.channels_out, c.height_out(), c.width_out());
}

Convolution parse_convolution(std::string_view text, const Shape& input) {
  Convolution c;
  c.channels_in = input[0];
  c.height_in = input[1];
  c.width_in = input[2];
  std::int64_t* const fields[] = {&c.channels_out, &c.kernel, &c.stride, &c.padding};
  const auto refuse = [&](const std::string& why) {
    throw InputError(fmt::format("convolution \"{}\": {}", text, why));
  };
  std::size_t count = 0;
  for (std::string_view rest = text;; ++count) {
    if (count == 4) refuse("has more than CHANNELS:KERNEL[:STRIDE[:PADDING]]");
    const std::size_t colon = rest.find(':');
    const std::string_view number = rest.substr(0, colon);
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), *fields[count]);
    constexpr std::int64_t kMost = 1 << 20;
    if (error != std::errc() || end != number.data() + number.size() || *fields[count] < (count == 3 ? 0 : 1) ||
        *fields[count] > kMost)
      refuse(fmt::format("\"{}\" is not a number as in CHANNELS:KERNEL[:STRIDE[:PADDING]]", number));
    if (colon == std::string_view::npos) break;
    rest.remove_prefix(colon + 1);
  }
  if (count < 1) refuse("needs CHANNELS:KERNEL at least");
  if (c.height_out() < 1 || c.width_out() < 1)
    refuse(fmt::format("its output would be empty: a kernel of {} x {} over an input of {} x {} with padding {}",
                       c.kernel, c.kernel, c.height_in, c.width_in, c.padding));
  if (too_many_values(c))
    refuse(
        fmt::format("[{}, {}, {}] to [{}, {}, {}] is too large: 2^31 or more values for one sample; give fewer "
                    "channels or less padding",
                    c.channels_in, c.height_in, c.width_in, c.channels_out, c.height_out(), c.width_out()));
  return c;
}

Layer Layer::of(const Convolution& convolution, Activation activation) {
  return {convolution.inputs(), convolution.outputs(), activation, convolution};
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

Network Network::convolutional(const std::vector<Convolution>& encoder, Activation hidden_activation,
                               Activation output_activation) {
  Network network;
  for (const Convolution& c : encoder) {
    const Convolution back = c.mirrored();
    // One output padding for both axes.
    if (c.height_out() > 0 && c.width_out() > 0 && (back.height_out() != c.height_in || back.width_out() != c.width_in))
      throw InputError(fmt::format(
          "a convolution of {} x {}, stride {}, padding {} over {} x {} cannot be mirrored: it leaves not as "
          "many rows over as columns; choose another kernel, stride or padding",
          c.kernel, c.kernel, c.stride, c.padding, c.height_in, c.width_in));
  }
  for (const Convolution& convolution : encoder) network.encoder.push_back(Layer::of(convolution, hidden_activation));
  for (std::size_t i = encoder.size(); i-- > 0;)
    network.decoder.push_back(Layer::of(encoder[i].mirrored(), i == 0 ? output_activation : hidden_activation));
  network.validate();
  return network;
}

Network Network::classifying(std::vector<Layer> encoder, std::int64_t features, std::int64_t classes) {
  Network network;
  network.encoder = std::move(encoder);
  network.classifier =
      Layer{network.encoder.empty() ? features : network.encoder.back().outputs, classes, Activation::identity};
  network.validate();
  return network;
}

namespace {

void check_convolution(const Layer& layer, const std::string& name) {
  const Convolution& c = *layer.convolution;
  const bool sane = c.channels_in > 0 && c.channels_out > 0 && c.height_in > 0 && c.width_in > 0 && c.kernel > 0 &&
                    c.stride > 0 && c.padding >= 0 && c.output_padding >= 0 && c.output_padding < c.stride;
  if (!sane || c.height_out() < 1 || c.width_out() < 1)
    throw InputError(
        fmt::format("layer {}: a convolution of {} x {} over {} x {} (stride {}, padding {}, output "
                    "padding {}) has no output",
                    name, c.kernel, c.kernel, c.height_in, c.width_in, c.stride, c.padding, c.output_padding));
  if (too_many_values(c))
    throw InputError(
        fmt::format("layer {}: a convolution of [{}, {}, {}] to [{}, {}, {}] is too large: 2^31 or more "
                    "values for one sample",
                    name, c.channels_in, c.height_in, c.width_in, c.channels_out, c.height_out(), c.width_out()));
  if (layer.inputs != c.inputs() || layer.outputs != c.outputs())
    throw InputError(fmt::format("layer {} is {} -> {}, but its convolution {} -> {}", name, layer.inputs,
                                 layer.outputs, c.inputs(), c.outputs()));
}

void check_kept(const Layer& layer, const std::string& name, bool is_code) {
  if (layer.kept == 0 && layer.kept_in_evaluation == 0) return;
  if (!is_code) throw InputError(fmt::format("layer {} keeps the k largest, which only the code layer can", name));
  for (std::int64_t kept : {layer.kept, layer.kept_in_evaluation})
    if (kept < 1 || kept > layer.outputs)
      throw InputError(
          fmt::format("k is {}: it must be between 1 and the {} units of layer {}", kept, layer.outputs, name));
}

}  // namespace

void Network::validate() const {
  if (classifier ? !decoder.empty() : encoder.empty() || decoder.empty())
    throw InputError("a network needs at least one encoder and one decoder layer, or a classifier in its place");
  std::int64_t width = features();
  std::int64_t total = 0;
  const auto check = [&](const Layer& layer, const std::string& name) {
    if (layer.inputs < 1 || layer.outputs < 1)
      throw InputError(
          fmt::format("layer {} is {} -> {}: sizes must be at least 1", name, layer.inputs, layer.outputs));
    if (layer.inputs != width)
      throw InputError(
          fmt::format("layer {} takes {} values, but the layer before gives {}", name, layer.inputs, width));
    if (layer.convolution) check_convolution(layer, name);
    std::int64_t weights = layer.convolution ? layer.weight_shape().elements() : 0;
    if ((!layer.convolution && __builtin_mul_overflow(layer.inputs, layer.outputs, &weights)) ||
        __builtin_add_overflow(total, weights, &total) || total > (std::int64_t{1} << 56))
      throw InputError(
          fmt::format("layer {} of {} x {} weights is too large to be indexed", name, layer.outputs, layer.inputs));
    width = layer.outputs;
    check_kept(layer, name, !encoder.empty() && &layer == &encoder.back());
  };
  for (std::size_t i = 0; i < encoder.size(); ++i) check(encoder[i], fmt::format("encoder.{}", i));
  for (std::size_t i = 0; i < decoder.size(); ++i) check(decoder[i], fmt::format("decoder.{}", i));
  if (classifier) {
    check(*classifier, "classifier");
    if (classifier->outputs < 2) throw InputError("a classifier needs at least two classes");
    return;
  }
  if (width != features())
    throw InputError(fmt::format("the decoder ends with {} values, but the data have {}", width, features()));
  if (!tied) return;
  bool mirrors = encoder.size() == decoder.size();
  for (std::size_t i = 0; mirrors && i < decoder.size(); ++i) {
    const Layer &layer = decoder[i], &mirror = encoder[encoder.size() - 1 - i];
    mirrors = !layer.convolution && !mirror.convolution && layer.outputs == mirror.inputs;
  }
  if (!mirrors) throw InputError("tied weights need a decoder of dense layers that mirrors the encoder");
}

ParameterLayout::ParameterLayout(const Network& network) {
  network.validate();
  const auto claim = [&](std::int64_t elements) {
    return std::exchange(slab_elements_, slab_elements_ + (elements + kAlignment - 1) / kAlignment * kAlignment);
  };
  const auto add = [&](const std::string& name, const Layer& layer, const std::string& alias_of = {}) {
    Parameter weight;
    weight.name = name + ".weight";
    weight.shape = layer.weight_shape();
    weight.decays = true;
    weight.fan_in = static_cast<double>(layer.inputs);
    weight.fan_out = static_cast<double>(layer.outputs);
    if (const auto& c = layer.convolution) {
      weight.fan_in = static_cast<double>(c->channels_in * c->kernel * c->kernel);
      weight.fan_out = static_cast<double>(c->channels_out * c->kernel * c->kernel);
    }
    if (alias_of.empty()) {
      weight.offset = claim(weight.elements());
    } else {
      weight.offset = (*this)[alias_of].offset;
      weight.layout = WeightLayout::in_out;
      weight.alias_of = alias_of;
    }
    parameters_.push_back(std::move(weight));
    Parameter bias;
    bias.name = name + ".bias";
    bias.shape = {layer.channels()};
    bias.offset = claim(bias.elements());
    parameters_.push_back(std::move(bias));
  };
  for (std::size_t i = 0; i < network.encoder.size(); ++i) add(fmt::format("encoder.{}", i), network.encoder[i]);
  for (std::size_t i = 0; i < network.decoder.size(); ++i)
    add(fmt::format("decoder.{}", i), network.decoder[i],
        network.tied ? fmt::format("encoder.{}.weight", network.encoder.size() - 1 - i) : "");
  if (network.classifier) add("classifier", *network.classifier);
}

const Parameter& ParameterLayout::operator[](std::string_view name) const {
  for (const Parameter& parameter : parameters_)
    if (parameter.name == name) return parameter;
  throw ContractError(fmt::format("there is no parameter named {}", name));
}

}  // namespace lacuna
