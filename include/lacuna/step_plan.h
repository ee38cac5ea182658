#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "lacuna/network.h"
#include "lacuna/objective.h"
#include "lacuna/optimizer.h"
#include "lacuna/tensor.h"

namespace lacuna {

/// Index of a buffer within its plan.
using BufferId = std::int32_t;
constexpr BufferId kNoBuffer = -1;

/// A named buffer of a plan.
///   bound    the caller provides the memory when the plan is compiled (data set, parameters, state);
///   scratch  lives within a step; the backend provides the memory and may reuse it between plans;
///   slice    part of a bound buffer (one parameter within the slab).
struct Buffer {
  enum class Kind : std::uint8_t { bound, scratch, slice };
  std::string name;
  Kind kind = Kind::scratch;
  DType dtype = DType::f32;
  Shape shape;
  BufferId parent = kNoBuffer;  ///< slice: the buffer it lies in
  std::int64_t offset = 0;      ///< slice: first element within the parent
  std::int64_t bytes() const { return shape.elements() * size_of(dtype); }
};

/// Where a run stands. Lives in device memory, is advanced by the plan itself, and is all that a resumed run
/// needs beside parameters and moments.
struct StepState {
  std::int64_t step = 0;      ///< optimizer steps taken
  std::int64_t epoch = 0;     ///< epochs completed
  std::int64_t position = 0;  ///< samples of the current epoch already used
};

/// Per-step values that live in device memory, because a captured graph would freeze them.
struct StepScalars {
  float learning_rate = 0;
  float adam_step_size = 0;             ///< learning_rate / (1 - beta1^t)
  float adam_inv_sqrt_correction2 = 0;  ///< 1 / sqrt(1 - beta2^t)
  float sample_count = 0;               ///< M: samples of the (global) batch
  float kept_units = 0;                 ///< top-k: units kept per sample in this step
};

/// The terms of J of one step, before its update. One slot of the loss ring. A classifier's cross-entropy stands where
/// an autoencoder's reconstruction does.
struct StepLoss {
  double reconstruction = 0;
  double sparsity = 0;
  double weight_decay = 0;
  double mean_activation = 0;  ///< mean over units of the per-unit mean activation of the code
  double samples = 0;
  double correct = 0;  ///< classifiers: samples whose most probable class is their label
  double total() const { return reconstruction + sparsity + weight_decay; }
};

/// What the buffers that hold them are made of: f32 [kStepScalars], f64 [capacity, kStepLossTerms].
constexpr std::int64_t kStepScalars = sizeof(StepScalars) / sizeof(float);
constexpr std::int64_t kStepLossTerms = sizeof(StepLoss) / sizeof(double);

/// How many units a top-k code keeps: `kept` after step `anneal_steps`, until then falling in a straight line from
/// `start` (math/schedule.h).
struct KeptUnits {
  std::int64_t start = 0, kept = 0;
  std::int64_t anneal_steps = 0;
};

enum class NoiseKind : std::uint8_t { mask, dropout, gaussian, shift };

/// Samples that are images, one channel after another, each by rows.
struct ImageExtents {
  std::int64_t channels = 0, height = 0, width = 0;
  std::int64_t elements() const { return channels * height * width; }
};

// Operations. Shapes: M samples, `in` and `out` features of a layer, D features of the data.
// Buffers are f32 unless said otherwise.

/// values[i] uniform on [-limit, limit), from stream `stream` of the weights' random numbers: the same bits on every
/// backend as initialize() gives on the host (math/uniform.h).
struct FillUniform {
  BufferId values = kNoBuffer;
  float limit = 1.0f;
  std::uint64_t seed = 0;
  std::uint32_t stream = 0;
};

/// Begins a step: state.step += 1, then the scalars of this step: the scheduled learning rate, Adam's corrections,
/// sample_count = rows, and the annealed number of units that a top-k code keeps.
struct BeginStep {
  BufferId state = kNoBuffer;    ///< StepState as i64 [3]
  BufferId scalars = kNoBuffer;  ///< StepScalars as f32 [kStepScalars]
  std::int64_t rows = 0;
  Optimizer optimizer;
  KeptUnits kept;
};

/// batch[i] = row order(epoch, position + i) of the data set, as float in [0,1] when the data set is uint8
/// (divided by 255), and the label of that row. With shuffle, order is the keyed Feistel permutation of this epoch;
/// else the identity. EndStep, at the end of the plan, moves the position on.
struct Gather {
  BufferId data = kNoBuffer;  ///< [N, D] u8 or f32
  BufferId state = kNoBuffer;
  BufferId batch = kNoBuffer;  ///< [M, D]
  bool shuffle = true;
  std::uint64_t seed = 0;
  BufferId labels = kNoBuffer;        ///< i32 [N]; with batch_labels
  BufferId batch_labels = kNoBuffer;  ///< i32 [M]
};

/// output = noise(input), drawn anew in each step from stream `stream` of the noise's random numbers (math/noise.h).
///   mask      each element is 0 with probability `amount`, else as it was (masking noise);
///   dropout   the same, and what remains is divided by 1 - amount;
///   gaussian  input + amount * N(0, 1);
///   shift     each sample, an image, moved down and to the right by whole numbers of pixels, each uniform among
///             -amount, ..., amount; what it leaves behind is 0.
/// The first two are linear, and are their own backward pass when run on the gradient in the same step.
struct Noise {
  NoiseKind kind = NoiseKind::mask;
  double amount = 0.0;
  BufferId input = kNoBuffer;   ///< [M, N]
  BufferId output = kNoBuffer;  ///< [M, N]; may be `input` itself, except for shift
  BufferId state = kNoBuffer;   ///< for the step
  std::uint64_t seed = 0;
  std::uint32_t stream = 0;
  ImageExtents image = {};  ///< shift: of N elements
};

/// output = activation(input W^T + bias). Without bias the plain product is written (then activation must be
/// identity): the output layer, whose bias and activation belong to Reconstruction.
struct DenseForward {
  BufferId input = kNoBuffer;   ///< [M, in]
  BufferId weight = kNoBuffer;  ///< [out, in], or [in, out] by weight_layout: a tied decoder reads the encoder's
  BufferId bias = kNoBuffer;    ///< [out]
  Activation activation = Activation::identity;
  BufferId output = kNoBuffer;           ///< [M, out]
  BufferId column_sums = kNoBuffer;      ///< [out]: sum over samples of output
  BufferId column_abs_sums = kNoBuffer;  ///< [out]: sum over samples of |output|
  WeightLayout weight_layout = WeightLayout::out_in;
};

/// output = input convolved with weight, without bias; transposed: the gradient of that convolution with respect to its
/// input, as torch.nn.ConvTranspose2d. Samples lie [channels, height, width].
struct ConvolutionForward {
  Convolution convolution;
  BufferId input = kNoBuffer;   ///< [M, inputs()]
  BufferId weight = kNoBuffer;  ///< weight_shape()
  BufferId output = kNoBuffer;  ///< [M, outputs()]
};

/// weight_gradient and input_gradient of the same from delta, the gradient of its output.
struct ConvolutionBackward {
  Convolution convolution;
  BufferId delta = kNoBuffer;            ///< [M, outputs()]
  BufferId input = kNoBuffer;            ///< [M, inputs()]
  BufferId weight = kNoBuffer;           ///< weight_shape()
  BufferId weight_gradient = kNoBuffer;  ///< weight_shape()
  BufferId input_gradient = kNoBuffer;   ///< [M, inputs()]; optional
};

/// columns[c * P + p] = channels[c]: what belongs to a channel, for each of its P positions.
struct SpreadChannels {
  BufferId channels = kNoBuffer;  ///< [C]
  BufferId columns = kNoBuffer;   ///< [C * P]
};

/// channels[c] = sum over p of columns[c * P + p].
struct SumChannels {
  BufferId columns = kNoBuffer;   ///< [C * P]
  BufferId channels = kNoBuffer;  ///< [C]
};

/// values <- activation(values + bias), and column sums: what follows a convolution.
struct BiasActivation {
  BufferId values = kNoBuffer;  ///< [M, N], in place
  BufferId bias = kNoBuffer;    ///< [N]
  Activation activation = Activation::identity;
  BufferId column_sums = kNoBuffer;      ///< [N]
  BufferId column_abs_sums = kNoBuffer;  ///< [N]
};

/// Of each row, the scalars.kept_units largest values stay and all others become 0; among equals the lowest index
/// stays. NaN counts as larger than every number, so that it is not lost. Bit j mod 32 of word j / 32 of a row of
/// `kept` says whether unit j stayed, for ActivationBackward; bits past the last unit are 0.
struct TopK {
  BufferId values = kNoBuffer;                                    ///< [M, H], in place
  BufferId scalars = kNoBuffer;                                   ///< for kept_units
  BufferId kept = kNoBuffer;                                      ///< i32 [M, ceil(H / 32)]; optional
  BufferId column_sums = kNoBuffer, column_abs_sums = kNoBuffer;  ///< [H], of what is left; optional
};

/// Bias, activation, loss value, its gradient with respect to the pre-activation, and the bias gradient, in one
/// pass. bce reads the logit, so that it never overflows. When `delta` is kNoBuffer only value and output
/// are computed (evaluation).
struct Reconstruction {
  BufferId product = kNoBuffer;  ///< [M, D]: h W^T
  BufferId bias = kNoBuffer;     ///< [D]
  Activation activation = Activation::sigmoid;
  BufferId target = kNoBuffer;  ///< [M, D]
  Loss loss = Loss::half_squared;
  Reduction reduction = Reduction::sample;
  BufferId scalars = kNoBuffer;        ///< for sample_count
  BufferId value = kNoBuffer;          ///< f64 [1]: R
  BufferId delta = kNoBuffer;          ///< [M, D]; may be `product` itself
  BufferId bias_gradient = kNoBuffer;  ///< [D]
  BufferId output = kNoBuffer;         ///< [M, D]: reconstruction; may be `product` itself
};

/// logits <- softmax(logits + bias) by rows, in place; the row's maximum is subtracted first.
struct Softmax {
  BufferId logits = kNoBuffer;  ///< [M, C]
  BufferId bias = kNoBuffer;    ///< [C]
};

/// Bias, softmax, cross-entropy -(1/M) sum_i log softmax(z_i)[labels_i], its gradient (softmax(z) - onehot) / M and the
/// bias gradient. Labels lie in [0, C). When `delta` is kNoBuffer only value and output are computed.
struct SoftmaxCrossEntropy {
  BufferId product = kNoBuffer;        ///< [M, C]: h W^T
  BufferId bias = kNoBuffer;           ///< [C]
  BufferId labels = kNoBuffer;         ///< i32 [M]
  BufferId scalars = kNoBuffer;        ///< for sample_count
  BufferId value = kNoBuffer;          ///< f64 [1]
  BufferId delta = kNoBuffer;          ///< [M, C]; may be `product` itself
  BufferId bias_gradient = kNoBuffer;  ///< [C]
  BufferId output = kNoBuffer;         ///< [M, C]: probabilities; may be `product` itself
  BufferId correct = kNoBuffer;        ///< f64 [1]: rows whose largest z (the lowest index among equals) is their label
};

/// Sparsity value, its gradient per unit, and the mean activation, from the column sums of the code. A unit of a
/// convolutional code is a channel; its mean is over samples and positions, and its sums are of M * positions values.
/// kl: column_gradient_j = (beta/(M positions))(-rho/rho_j + (1-rho)/(1-rho_j)), 0 where rho_j was clipped to
/// [2^-20, 1-2^-20]. l1: value only, the gradient is elementwise (ActivationBackward::l1).
struct SparsityPenalty {
  Sparsity kind = Sparsity::kl;
  BufferId column_sums = kNoBuffer;      ///< [H]
  BufferId column_abs_sums = kNoBuffer;  ///< [H], l1
  BufferId scalars = kNoBuffer;          ///< for sample_count
  double rho = 0.1, beta = 3.0, l1 = 0.0;
  BufferId column_gradient = kNoBuffer;  ///< [H], kl
  BufferId value = kNoBuffer;            ///< f64 [1]: S
  BufferId mean_activation = kNoBuffer;  ///< f64 [1]
  std::int64_t positions = 1;
};

/// gradient <- (gradient + column_gradient + (l1/M) sign(output)) * activation'(output), in place, and 0 for units that
/// a top-k code did not keep; bias_gradient = its column sums. The derivative is written in terms of the output.
/// sign(0) = 0.
struct ActivationBackward {
  BufferId gradient = kNoBuffer;  ///< [M, out]
  BufferId output = kNoBuffer;    ///< [M, out]
  Activation activation = Activation::sigmoid;
  BufferId column_gradient = kNoBuffer;  ///< [out]
  double l1 = 0.0;
  BufferId scalars = kNoBuffer;        ///< for sample_count, with l1
  BufferId bias_gradient = kNoBuffer;  ///< [out]
  BufferId kept = kNoBuffer;           ///< i32 [M, ceil(out / 32)], as TopK wrote it; optional
};

/// weight_gradient = delta^T input; input_gradient = delta W.
struct DenseBackward {
  BufferId delta = kNoBuffer;            ///< [M, out]
  BufferId input = kNoBuffer;            ///< [M, in]
  BufferId weight = kNoBuffer;           ///< [out, in], or [in, out] by weight_layout
  BufferId weight_gradient = kNoBuffer;  ///< as weight; optional
  BufferId input_gradient = kNoBuffer;   ///< [M, in]; optional
  WeightLayout weight_layout = WeightLayout::out_in;
  bool accumulate = false;  ///< adds to weight_gradient: tied weights have two
};

/// One pass over the whole slab: weight decay joins the gradient of the ranges that decay, the optimizer
/// updates parameters and moments, and weight_decay/2 * sum w^2 of the values before the update is written.
struct UpdateParameters {
  struct Range {
    std::int64_t offset = 0, elements = 0;
    bool decays = false;
  };
  BufferId parameters = kNoBuffer, gradients = kNoBuffer;  ///< slabs
  BufferId moment1 = kNoBuffer;                            ///< slab: Adam's exp_avg, or SGD's velocity
  BufferId moment2 = kNoBuffer;                            ///< slab: Adam's exp_avg_sq
  BufferId scalars = kNoBuffer;
  std::vector<Range> ranges;
  Optimizer optimizer;
  double weight_decay = 0.0;
  BufferId value = kNoBuffer;  ///< f64 [1]
};

/// What a line search needs of the weight decay, which UpdateParameters applies on its way: gradients += weight_decay *
/// parameters over the ranges that decay, and value = weight_decay/2 * their sum of squares.
struct DecayGradients {
  BufferId parameters = kNoBuffer, gradients = kNoBuffer;  ///< slabs
  std::vector<UpdateParameters::Range> ranges;
  double weight_decay = 0.0;
  BufferId value = kNoBuffer;  ///< f64 [1]
};

/// values[l * R + r] = <left_l, right_r>, products and sums in double.
struct Dots {
  std::vector<BufferId> left, right;  ///< L and R vectors of one length
  BufferId values = kNoBuffer;        ///< f64 [L * R]
};

/// output = sum over i of coefficients[i] * vectors[i], in double, rounded once. `output` may be one of the vectors.
struct Combine {
  std::vector<BufferId> vectors;      ///< of one length
  BufferId coefficients = kNoBuffer;  ///< f64 [vectors]
  BufferId output = kNoBuffer;        ///< of that length
};

/// Ends a step: ring[(state.step - 1) mod capacity] = the loss terms; position += sample_count, and past the last
/// row of the data set position = 0 and epoch += 1.
struct EndStep {
  BufferId state = kNoBuffer, scalars = kNoBuffer;
  BufferId reconstruction = kNoBuffer, sparsity = kNoBuffer, weight_decay = kNoBuffer, mean_activation = kNoBuffer,
           correct = kNoBuffer;  ///< f64 [1] each; 0 where there is none
  BufferId ring = kNoBuffer;     ///< f64 [capacity, kStepLossTerms]: StepLoss
  std::int64_t data_rows = 0;
};

using Operation = std::variant<FillUniform, BeginStep, Gather, Noise, DenseForward, ConvolutionForward, SpreadChannels,
                               BiasActivation, TopK, Reconstruction, Softmax, SoftmaxCrossEntropy, SumChannels,
                               SparsityPenalty, ActivationBackward, DenseBackward, ConvolutionBackward,
                               UpdateParameters, DecayGradients, Dots, Combine, EndStep>;

/// One training (or evaluation) step as data: operations in order on named buffers. Written once by the trainer,
/// turned into an Executable by a backend.
struct StepPlan {
  std::string name;
  std::vector<Buffer> buffers;
  std::vector<Operation> operations;

  BufferId bound(std::string buffer_name, DType dtype, const Shape& shape);
  BufferId scratch(std::string buffer_name, const Shape& shape, DType dtype = DType::f32);
  BufferId slice(std::string buffer_name, BufferId parent, std::int64_t offset, const Shape& shape);
  const Buffer& operator[](BufferId id) const { return buffers[static_cast<std::size_t>(id)]; }
  /// kNoBuffer if there is none.
  BufferId find(const std::string& buffer_name) const;

  /// Checks every operation's buffers: present, right type, shapes that fit each other. Throws ContractError
  /// naming operation and buffer. Backends call it before they compile.
  void validate() const;
  /// One line per operation, for people.
  std::string describe() const;
  std::string describe(const Operation& operation) const;
};

}  // namespace lacuna
