#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lacuna/tensor.h"

namespace lacuna {

enum class Activation : std::uint8_t { identity, sigmoid, relu };

const char* to_string(Activation activation);
/// Inverse of to_string. Throws InputError naming the word and the accepted ones.
Activation parse_activation(std::string_view word);

/// A two-dimensional convolution, or with `transposed` the transposed one, over samples [channels, height, width].
struct Convolution {
  std::int64_t channels_in = 1, height_in = 1, width_in = 1;
  std::int64_t channels_out = 1;
  std::int64_t kernel = 1, stride = 1, padding = 0;
  bool transposed = false;
  std::int64_t output_padding = 0;  ///< transposed only: rows and columns added at the end

  /// As torch.nn.Conv2d and ConvTranspose2d: (in + 2 padding - kernel) / stride + 1, and
  /// (in - 1) stride - 2 padding + kernel + output_padding. Below 1 where the output would be empty.
  std::int64_t height_out() const { return extent_out(height_in); }
  std::int64_t width_out() const { return extent_out(width_in); }
  std::int64_t inputs() const { return channels_in * height_in * width_in; }
  std::int64_t outputs() const { return channels_out * height_out() * width_out(); }
  /// [out, in, kernel, kernel]; transposed: [in, out, kernel, kernel].
  Shape weight_shape() const;
  /// The transposed convolution that leads back from this one's output to its input's extents.
  Convolution mirrored() const;
  bool operator==(const Convolution&) const = default;

 private:
  std::int64_t extent_out(std::int64_t extent) const;
};

/// "CHANNELS:KERNEL[:STRIDE[:PADDING]]", for the extents [channels, height, width] that enter it. Throws InputError.
Convolution parse_convolution(std::string_view text, const Shape& input);

/// y = activation(x W^T + b): x [M, inputs], W [outputs, inputs], b [outputs], y [M, outputs]; or a convolution in
/// place of the product, with one bias for each channel.
struct Layer {
  std::int64_t inputs = 0;
  std::int64_t outputs = 0;
  Activation activation = Activation::sigmoid;
  std::optional<Convolution> convolution = {};
  /// A k-sparse layer keeps the `kept` largest outputs of each sample in training and `kept_in_evaluation` else; the
  /// others are 0. Both 0: an ordinary layer.
  std::int64_t kept = 0, kept_in_evaluation = 0;

  /// Outputs that share a bias and count as one unit: 1, or a convolution's positions.
  std::int64_t positions() const { return convolution ? convolution->height_out() * convolution->width_out() : 1; }
  std::int64_t channels() const { return outputs / positions(); }
  Shape weight_shape() const { return convolution ? convolution->weight_shape() : Shape{outputs, inputs}; }
  static Layer of(const Convolution& convolution, Activation activation);
};

/// An autoencoder: encoder layers, whose last output is the code, then decoder layers. Or a classifier: encoder layers
/// (none: softmax of the data themselves) and one layer of logits, whose softmax is the probability of each class.
struct Network {
  std::vector<Layer> encoder;
  std::vector<Layer> decoder;
  std::optional<Layer> classifier = {};
  bool tied = false;  ///< decoder.i's weight is the transpose of its mirror image in the encoder; dense layers only

  /// features -> hidden[0] -> ... -> hidden.back() (the code) -> ... -> hidden[0] -> features.
  /// `hidden_activation` on every layer but the last decoder layer, which has `output_activation`.
  /// Throws InputError for an empty list, or sizes below 1 or so large that they cannot be indexed.
  static Network autoencoder(std::int64_t features, const std::vector<std::int64_t>& hidden,
                             Activation hidden_activation = Activation::sigmoid,
                             Activation output_activation = Activation::sigmoid);
  /// Convolutions, each taking what the one before gives, mirrored by transposed ones.
  static Network convolutional(const std::vector<Convolution>& encoder, Activation hidden_activation,
                               Activation output_activation);
  /// The encoder (none for an empty list) and a softmax layer over `features` or code units.
  static Network classifying(std::vector<Layer> encoder, std::int64_t features, std::int64_t classes);

  std::int64_t features() const { return encoder.empty() ? classifier->inputs : encoder.front().inputs; }
  std::int64_t classes() const { return classifier ? classifier->outputs : 0; }
  std::int64_t code_units() const { return encoder.empty() ? features() : encoder.back().outputs; }
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
  std::string name;                ///< "encoder.0.weight"
  Shape shape;                     ///< as in files: Layer::weight_shape(), or [channels] of a bias
  std::int64_t offset = 0;         ///< first element within the slab; a multiple of ParameterLayout::kAlignment
  bool decays = false;             ///< weights decay, biases do not
  double fan_in = 0, fan_out = 0;  ///< of a weight: values that enter and leave each unit
  WeightLayout layout = WeightLayout::out_in;
  std::string alias_of;  ///< lies transposed in another parameter's storage (tied weights); empty: owns its storage
  std::int64_t elements() const { return shape.elements(); }
};

/// Where each parameter lies in one contiguous slab of floats. Gradients and optimizer moments use the same
/// layout, so the optimizer runs over whole slabs. Padding between parameters stays zero.
class ParameterLayout {
 public:
  static constexpr std::int64_t kAlignment = 16;  ///< elements: 64 bytes

  ParameterLayout() = default;
  /// encoder.i.weight, encoder.i.bias, ..., decoder.i.weight, decoder.i.bias, ..., classifier.weight, classifier.bias,
  /// in this order.
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
