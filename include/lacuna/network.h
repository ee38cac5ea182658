#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lacuna/tensor.h"

namespace lacuna {

enum class Activation : std::uint8_t { identity, sigmoid, relu };

const char* to_string(Activation activation);
/// Inverse of to_string. Throws InputError naming the word and the accepted ones.
Activation parse_activation(std::string_view word);

/// y = activation(x W^T + b): x [M, inputs], W [outputs, inputs], b [outputs], y [M, outputs].
struct Layer {
  std::int64_t inputs = 0;
  std::int64_t outputs = 0;
  Activation activation = Activation::sigmoid;
};

/// An autoencoder: encoder layers, whose last output is the code, then decoder layers.
struct Network {
  std::vector<Layer> encoder;
  std::vector<Layer> decoder;

  /// features -> hidden[0] -> ... -> hidden.back() (the code) -> ... -> hidden[0] -> features.
  /// `hidden_activation` on every layer but the last decoder layer, which has `output_activation`.
  /// Throws InputError for an empty list, or sizes below 1 or so large that they cannot be indexed.
  static Network autoencoder(std::int64_t features, const std::vector<std::int64_t>& hidden,
                             Activation hidden_activation = Activation::sigmoid,
                             Activation output_activation = Activation::sigmoid);

  std::int64_t features() const { return encoder.front().inputs; }
  std::int64_t code_units() const { return encoder.back().outputs; }
  const Layer& code_layer() const { return encoder.back(); }
  const Layer& output_layer() const { return decoder.back(); }

  /// Throws InputError unless every layer has positive extents, follows on from the one before, and the
  /// decoder ends where the encoder began.
  void validate() const;
};

/// How a weight lies in memory. In files it is always [outputs, inputs], as in PyTorch.
enum class WeightLayout : std::uint8_t { out_in, in_out };

/// One named parameter within the slab.
struct Parameter {
  std::string name;         ///< "encoder.0.weight"
  Shape shape;              ///< as in files: [outputs, inputs] or [outputs]
  std::int64_t offset = 0;  ///< first element within the slab; a multiple of ParameterLayout::kAlignment
  bool decays = false;      ///< weights decay, biases do not
  WeightLayout layout = WeightLayout::out_in;
  std::string alias_of;  ///< shares another parameter's storage (tied weights); empty: owns it
  std::int64_t elements() const { return shape.elements(); }
};

/// Where each parameter lies in one contiguous slab of floats. Gradients and optimizer moments use the same
/// layout, so the optimizer runs over whole slabs. Padding between parameters stays zero.
class ParameterLayout {
 public:
  static constexpr std::int64_t kAlignment = 16;  ///< elements: 64 bytes

  ParameterLayout() = default;
  /// encoder.i.weight, encoder.i.bias, ..., decoder.i.weight, decoder.i.bias, in this order.
  explicit ParameterLayout(const Network& network);

  const std::vector<Parameter>& parameters() const { return parameters_; }
  /// Throws ContractError if there is none of this name.
  const Parameter& operator[](std::string_view name) const;
  /// Elements of the slab, padding included.
  std::int64_t slab_elements() const { return slab_elements_; }

 private:
  std::vector<Parameter> parameters_;
  std::int64_t slab_elements_ = 0;
};

}  // namespace lacuna
