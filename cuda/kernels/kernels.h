#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <vector>

#include "lacuna/step_plan.h"

// What the kernels offer to the rest of cuda/: one launcher for each, plain arguments, any size. A launcher only puts
// work on the stream. Matrices are row-major and dense; [M, N] has M rows. Pointers are device memory, aligned to 4
// bytes; rows of a multiple of 4 floats at addresses aligned to 16 bytes go four at a time. What fill_uniform writes
// and the segments that update_parameters goes through must begin at 16 bytes.

namespace lacuna::cuda {

/// Where kernels run and what they may use beside their operands. Kernels of one workspace must run one after another.
struct Workspace {
  cudaStream_t stream = nullptr;
  int multiprocessors = 1;
  float* partials = nullptr;         ///< partial sums by columns: pass_needs()
  double* value_partials = nullptr;  ///< partial sums of values: pass_needs(), or one for each UpdateSegment
  unsigned* counters = nullptr;      ///< zeros: pass_needs(); zero again after each kernel
  /// Kernels of a training step may begin before what is in front of them in the stream is done, which must be a
  /// kernel and the only thing that they depend on. Needs kernels_wait_here().
  bool programmatic = false;
};

/// What one kernel needs of a workspace, in elements.
struct WorkspaceNeeds {
  std::int64_t partials = 0, value_partials = 0, counters = 1;
};
/// A pass over [rows, columns] with up to two column sums and a value.
WorkspaceNeeds pass_needs(std::int64_t rows, std::int64_t columns, int multiprocessors);

/// Whether this build has machine code, or PTX that the driver can compile, for the current device.
bool kernels_run_here();
/// Whether what would run on the current device was compiled for 9.0 or later, where kernels can wait for the one in
/// front of them.
bool kernels_wait_here();

struct BeginStepArgs {
  StepState* state;
  StepScalars* scalars;
  float rows;
  Optimizer optimizer;
  KeptUnits kept;
  bool ahead = false;  ///< writes the scalars of the step after the current one and leaves the state as it is
};
void begin_step(const Workspace&, const BeginStepArgs&);

struct GatherArgs {
  const void* data;  ///< [data_rows, columns]
  DType dtype;       ///< u8 or f32
  std::int64_t data_rows, columns;
  const StepState* state;
  float* batch;  ///< [rows, columns]
  std::int64_t rows;
  bool shuffle;
  std::uint64_t seed;
  const std::int32_t* labels;  ///< [data_rows] or null
  std::int32_t* batch_labels;  ///< [rows], with labels
  BeginStepArgs begin = {};    ///< done on the way, unless its state is null; ahead: so is the batch
};
void gather(const Workspace&, const GatherArgs&);

struct NoiseArgs {
  NoiseKind kind;
  float amount;
  const float* input;  ///< [elements]
  float* output;       ///< [elements], may be `input`, except for shift
  std::int64_t elements;
  const StepState* state;
  std::uint64_t seed;
  std::uint32_t stream;
  ImageExtents image = {};  ///< shift
};
void noise(const Workspace&, const NoiseArgs&);

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
  std::int64_t positions;  ///< of a channel; 1 for a dense code
};
void sparsity_penalty(const Workspace&, const SparsityPenaltyArgs&);

/// A bfloat16 copy of a float32 operand.
struct NarrowArgs {
  const float* from;  ///< [elements]
  std::uint16_t* to;  ///< [elements], aligned to 8 bytes
  std::int64_t elements;
};
void narrow(const Workspace&, const NarrowArgs&);

struct BiasActivationArgs {
  float* values;      ///< [rows, columns], in place
  const float* bias;  ///< [columns]
  std::int64_t rows, columns;
  float* column_sums;                ///< [columns] or null
  float* column_abs_sums;            ///< [columns] or null
  SparsityPenaltyArgs penalty = {};  ///< of these sums, done on the way unless its value is null
};
void bias_activation(const Workspace&, Activation, const BiasActivationArgs&);

/// columns[c * positions + p] = channels[c].
void spread_channels(const Workspace&, const float* channels, std::int64_t channel_count, std::int64_t positions,
                     float* columns);
/// channels[c] = sum over p of columns[c * positions + p].
void sum_channels(const Workspace&, const float* columns, std::int64_t channel_count, std::int64_t positions,
                  float* channels);

struct TopKArgs {
  float* values;  ///< [rows, columns], in place
  std::int64_t rows, columns;
  const StepScalars* scalars;  ///< for kept_units
  std::uint32_t* kept;         ///< [rows, ceil(columns / 32)] or null
};
void top_k(const Workspace&, const TopKArgs&);

struct ColumnSumsArgs {
  const float* values;  ///< [rows, columns]
  std::int64_t rows, columns;
  float* sums;                       ///< [columns] or null
  float* abs_sums;                   ///< [columns] or null: of magnitudes
  SparsityPenaltyArgs penalty = {};  ///< of these sums, done on the way unless its value is null
};
/// The bias gradient of a delta, and what the penalty of a k-sparse code needs.
void column_sums(const Workspace&, const ColumnSumsArgs&);

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

struct ActivationBackwardArgs {
  float* gradient;               ///< [rows, columns], in place
  const float* output;           ///< [rows, columns]
  const float* column_gradient;  ///< [columns] or null
  double l1;
  const StepScalars* scalars;  ///< with l1
  std::int64_t rows, columns;
  float* bias_gradient;       ///< [columns]
  const std::uint32_t* kept;  ///< [rows, ceil(columns / 32)], as top_k wrote it; or null
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
  double* correct;  ///< or null
};
void softmax_cross_entropy(const Workspace&, const SoftmaxCrossEntropyArgs&);

struct EndStepArgs {
  StepState* state;
  StepScalars* scalars;
  const double *reconstruction, *sparsity, *weight_decay, *mean_activation, *correct;  ///< each may be null: 0
  StepLoss* ring;                                                                      ///< [capacity]
  std::int64_t capacity, data_rows;
  const StepScalars* next = nullptr;  ///< with these the next step begins at once; or null
};
void end_step(const Workspace&, const EndStepArgs&);

/// A piece of the slab that one block of a pass over it takes. On the device as an array.
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
  EndStepArgs end = {};  ///< done on the way, unless its ring is null
};
void update_parameters(const Workspace&, const UpdateArgs&);

struct DecayGradientsArgs {
  const float* parameters;
  float* gradients;
  const UpdateSegment* segments;
  std::int64_t segment_count;
  double weight_decay;
  double* value;
};
void decay_gradients(const Workspace&, const DecayGradientsArgs&);

/// So many vectors may be passed to a kernel, which takes 4 KiB of arguments.
constexpr int kMostVectors = 480;

struct DotsArgs {
  std::vector<const float*> left, right;  ///< of `elements` each, at most kMostVectors together
  std::int64_t elements;
  double* values;  ///< [left, right]
};
void dots(const Workspace&, const DotsArgs&);
WorkspaceNeeds dots_needs(std::int64_t pairs, std::int64_t elements, int multiprocessors);

struct CombineArgs {
  std::vector<const float*> vectors;  ///< of `elements` each, at most kMostVectors
  const double* coefficients;         ///< [vectors]
  std::int64_t elements;
  float* output;  ///< may be one of the vectors
};
void combine(const Workspace&, const CombineArgs&);

/// values[i] = limit (2 u_i - 1), u_i uniform on [0, 1) from word i mod 4 of block i / 4 of Philox stream `stream` of
/// the weights; the same bits as the host's initialisation.
void fill_uniform(const Workspace&, float* values, std::int64_t count, float limit, std::uint64_t seed,
                  std::uint32_t stream);

}  // namespace lacuna::cuda
