#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "lacuna/step_plan.h"

// What the kernels offer to the rest of cuda/: one launcher for each, plain arguments, any size. A launcher only puts
// work on the stream. Matrices are row-major and dense; [M, N] has M rows. Pointers are device memory, aligned to 4
// bytes; rows of a multiple of 4 floats at addresses aligned to 16 bytes go four at a time.

namespace lacuna::cuda {

/// Where kernels run and what they may use beside their operands. Kernels of one workspace must run one after another.
struct Workspace {
  cudaStream_t stream = nullptr;
  int multiprocessors = 1;
  float* partials = nullptr;         ///< partial sums by columns: pass_needs()
  double* value_partials = nullptr;  ///< partial sums of values: pass_needs() and update_needs()
  unsigned* counters = nullptr;      ///< zeros: pass_needs(); zero again after each kernel
};

/// What one kernel needs of a workspace, in elements.
struct WorkspaceNeeds {
  std::int64_t partials = 0, value_partials = 0, counters = 1;
};
/// A pass over [rows, columns] with up to two column sums and a value.
WorkspaceNeeds pass_needs(std::int64_t rows, std::int64_t columns, int multiprocessors);

/// Whether this build has machine code, or PTX that the driver can compile, for the current device.
bool kernels_run_here();

/// The operation BeginStep.
void begin_step(const Workspace&, StepState* state, StepScalars* scalars, std::int64_t rows, const Optimizer&);

struct GatherArgs {
  const void* data;  ///< [data_rows, columns]
  DType dtype;       ///< u8 or f32
  std::int64_t data_rows, columns;
  const StepState* state;
  float* batch;  ///< [rows, columns]
  std::int64_t rows;
  bool shuffle;
  std::uint64_t seed;
};
void gather(const Workspace&, const GatherArgs&);

struct BiasActivationArgs {
  float* values;      ///< [rows, columns], in place
  const float* bias;  ///< [columns]
  std::int64_t rows, columns;
  float* column_sums;      ///< [columns] or null
  float* column_abs_sums;  ///< [columns] or null
};
void bias_activation(const Workspace&, Activation, const BiasActivationArgs&);

struct ReconstructionArgs {
  const float* product;  ///< [rows, columns]
  const float* bias;     ///< [columns]
  const float* target;   ///< [rows, columns]
  std::int64_t rows, columns;
  Reduction reduction;
  const StepScalars* scalars;
  float* delta;          ///< [rows, columns], may be `product`; or null
  float* output;         ///< [rows, columns], may be `product`; or null
  float* bias_gradient;  ///< [columns], with delta
  double* value;
};
void reconstruction(const Workspace&, Loss, Activation, const ReconstructionArgs&);

struct SparsityPenaltyArgs {
  Sparsity kind;
  std::int64_t units;
  const float* column_sums;      ///< [units]
  const float* column_abs_sums;  ///< [units], l1
  const StepScalars* scalars;
  double rho, beta, l1;
  float* column_gradient;  ///< [units], kl; or null
  double* value;
  double* mean_activation;
};
void sparsity_penalty(const Workspace&, const SparsityPenaltyArgs&);

struct ActivationBackwardArgs {
  float* gradient;               ///< [rows, columns], in place
  const float* output;           ///< [rows, columns]
  const float* column_gradient;  ///< [columns] or null
  double l1;
  const StepScalars* scalars;  ///< with l1
  std::int64_t rows, columns;
  float* bias_gradient;  ///< [columns]
};
void activation_backward(const Workspace&, Activation, const ActivationBackwardArgs&);

struct SoftmaxArgs {
  float* logits;      ///< [rows, classes], in place
  const float* bias;  ///< [classes]
  std::int64_t rows, classes;
};
/// logits <- softmax(logits + bias), by rows.
void softmax(const Workspace&, const SoftmaxArgs&);

struct SoftmaxCrossEntropyArgs {
  const float* product;        ///< [rows, classes]
  const float* bias;           ///< [classes]
  const std::int32_t* labels;  ///< [rows]
  std::int64_t rows, classes;
  const StepScalars* scalars;
  float* delta;   ///< [rows, classes], may be `product`; or null
  float* output;  ///< [rows, classes], may be `product`; or null
  double* value;
};
void softmax_cross_entropy(const Workspace&, const SoftmaxCrossEntropyArgs&);

/// sums [columns] = the column sums of values [rows, columns]: the bias gradient of a delta.
void bias_gradient(const Workspace&, const float* values, std::int64_t rows, std::int64_t columns, float* sums);

/// A piece of the slab that one block updates. On the device as an array.
struct UpdateSegment {
  std::int64_t offset;
  std::int32_t elements;
  std::int32_t decays;
};
constexpr std::int32_t kSegmentElements = 4096;

struct UpdateArgs {
  float* parameters;
  const float* gradients;
  float *moment1, *moment2;
  const UpdateSegment* segments;
  std::int64_t segment_count;
  const StepScalars* scalars;
  Optimizer optimizer;
  double weight_decay;
  double* value;
};
void update_parameters(const Workspace&, const UpdateArgs&);

struct EndStepArgs {
  StepState* state;
  const StepScalars* scalars;
  const double *reconstruction, *sparsity, *weight_decay, *mean_activation;  ///< each may be null: 0
  StepLoss* ring;                                                            ///< [capacity]
  std::int64_t capacity, data_rows;
};
void end_step(const Workspace&, const EndStepArgs&);

/// values[i] = limit (2 u_i - 1), u_i uniform on [0, 1) from word i mod 4 of block i / 4 of Philox stream `stream` of
/// the weights; the same bits as the host's initialisation.
void fill_uniform(const Workspace&, float* values, std::int64_t count, float limit, std::uint64_t seed,
                  std::uint32_t stream);

}  // namespace lacuna::cuda
