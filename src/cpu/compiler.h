#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/bf16_copies.h"
#include "cpu/convolution.h"
#include "cpu/gemm_bf16.h"
#include "cpu/kept_code.h"
#include "cpu/kernels.h"
#include "cpu/sparse_input.h"
#include "lacuna/backend.h"

namespace lacuna::cpu {

/// A compiled plan: commands in order, and the memory that they use beside what is bound.
struct Program {
  int threads = 1;
  Precision precision = Precision::fp32;
  std::unique_ptr<DeviceBuffer> scratch;
  std::unique_ptr<SparseInput> sparse_input;
  std::unique_ptr<KeptCode> kept_code;
  std::vector<std::unique_ptr<DeviceBuffer>> turned;
  std::vector<std::unique_ptr<ConvolutionProducts>> convolutions;
  std::vector<std::unique_ptr<Bf16Gemm>> bf16_gemms;
  std::vector<std::unique_ptr<DeviceBuffer>> bf16_copies;
  std::vector<std::string> remarks;
  std::deque<std::vector<UpdateParameters::Range>> ranges;
  std::vector<std::function<void()>> commands;
  std::vector<std::int32_t> operations;  ///< of the plan, for each command
};

/// Turns each operation into a command with every address resolved. The visitors are in compile_*.cpp.
struct Compiler {
  const StepPlan& plan;
  Program& program;
  std::vector<std::byte*> address;  // of each buffer
  ColumnPartials partials, abs_partials;
  double* value_partials = nullptr;
  Bf16Copies copies;
  const Kernels& k = kernels();
  std::vector<BufferId> kept_values;   // that are zero but for the kept units of a top-k code: it, and after dropout
  BufferId kept_gradient = kNoBuffer;  // with respect to it, once it is zero but for them too

  Compiler(const StepPlan& plan, const Bindings& bindings, Program& program);

  void operator()(const FillUniform& op);
  void operator()(const BeginStep& op);
  void operator()(const Gather& op);
  void operator()(const Noise& op);
  void operator()(const DenseForward& op);
  void operator()(const ConvolutionForward& op);
  void operator()(const SpreadChannels& op);
  void operator()(const BiasActivation& op);
  void operator()(const TopK& op);
  void operator()(const Reconstruction& op);
  void operator()(const Softmax& op);
  void operator()(const SoftmaxCrossEntropy& op);
  void operator()(const SumChannels& op);
  void operator()(const SparsityPenalty& op);
  void operator()(const ActivationBackward& op);
  void operator()(const DenseBackward& op);
  void operator()(const ConvolutionBackward& op);
  void operator()(const UpdateParameters& op);
  void operator()(const DecayGradients& op);
  void operator()(const Dots& op);
  void operator()(const Combine& op);
  void operator()(const EndStep& op);

  template <class T = float>
  T* at(BufferId id) const {
    return id == kNoBuffer ? nullptr : reinterpret_cast<T*>(address[static_cast<std::size_t>(id)]);
  }
  const Shape& shape(BufferId id) const { return plan[id].shape; }
  StepState* state(BufferId id) const { return at<StepState>(id); }
  StepScalars* scalars(BufferId id) const { return at<StepScalars>(id); }
  void push(std::function<void()> command) { program.commands.push_back(std::move(command)); }

  /// Whether products with this buffer go through the nonzero values of the minibatch.
  bool sparse(BufferId id) const { return program.sparse_input && program.sparse_input->batch() == at(id); }
  bool bf16() const { return program.precision == Precision::bf16; }
  // The products of a layer, through all values; and through those of kept units alone, false where that cannot be.
  void push_forward(const DenseForward& op);
  void push_activation_backward(const ActivationBackward& op);
  void push_weight_gradient(const DenseBackward& op);
  void push_input_gradient(const DenseBackward& op);
  bool is_kept(BufferId values) const;
  void follow_kept(const Noise& op);
  bool push_kept_forward(const DenseForward& op);
  bool push_kept_weight_gradient(const DenseBackward& op);
  bool push_kept_input_gradient(const DenseBackward& op);
  bool push_kept_activation_backward(const ActivationBackward& op);
  /// C [m, n] = op(A) [m, depth] op(B) in the program's precision, as gemm().
  void push_product(Transpose transpose_a, Transpose transpose_b, std::int64_t m, std::int64_t n, std::int64_t depth,
                    BufferId a, BufferId b, BufferId c, bool accumulate = false);
  /// The operand's copy, and before it the command that makes it where it is out of date.
  const std::uint16_t* bf16_copy(BufferId operand);
  void push_turned_gradient(const DenseBackward& op, std::int64_t rows, std::int64_t in, std::int64_t out);
  ConvolutionProducts* convolution(const Convolution& convolution, std::int64_t rows);
};

}  // namespace lacuna::cpu
