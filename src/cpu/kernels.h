#pragma once

#include <cstdint>

#include "cpu/sparse_product.h"
#include "lacuna/network.h"
#include "lacuna/objective.h"
#include "lacuna/step_plan.h"

// The element-wise kernels of the CPU backend. Each makes one pass over its operands with all threads, rows (or
// elements) being divided into one contiguous part per thread, so that sums are always formed in the same order.
// The same source is compiled once for each instruction set; kernels() picks the best one for this processor.

namespace lacuna::cpu {

/// Scratch of column sums: two padded rows per thread, added up in thread order.
struct ColumnPartials {
  float* sums = nullptr;  ///< [threads, 2, stride]
  std::int64_t stride = 0;
};

struct GatherArgs {
  const void* data;  ///< [data_rows, columns] u8 or f32
  DType dtype;
  std::int64_t data_rows, columns;
  const StepState* state;
  float* batch;  ///< [rows, columns]
  std::int64_t rows;
  bool shuffle;
  std::uint64_t seed;
  int threads;
};

struct BiasActivationArgs {
  float* values;  ///< [rows, columns], in place
  const float* bias;
  std::int64_t rows, columns;
  float* column_sums;      ///< [columns] or nullptr
  float* column_abs_sums;  ///< [columns] or nullptr
  ColumnPartials partials, abs_partials;
  int threads;
};

struct ReconstructionArgs {
  const float* product;  ///< [rows, columns]
  const float* bias;
  const float* target;
  std::int64_t rows, columns;
  Reduction reduction;
  const StepScalars* scalars;
  float* delta;   ///< [rows, columns] or nullptr
  float* output;  ///< [rows, columns] or nullptr
  float* bias_gradient;
  double* value;
  ColumnPartials partials;
  double* value_partials;  ///< [threads]
  int threads;
};

/// Softmax of product + bias by rows; with labels, cross-entropy and its gradient as well.
struct SoftmaxArgs {
  const float* product;  ///< [rows, columns]
  const float* bias;
  const std::int32_t* labels;  ///< [rows] or nullptr
  std::int64_t rows, columns;
  const StepScalars* scalars;  ///< with labels
  float* delta;                ///< [rows, columns] or nullptr
  float* output;               ///< [rows, columns] or nullptr
  float* bias_gradient;        ///< with delta
  double* value;               ///< with labels
  ColumnPartials partials;
  double* value_partials;  ///< [threads]
  int threads;
};

struct ActivationBackwardArgs {
  float* gradient;               ///< [rows, columns], in place
  const float* output;           ///< [rows, columns]
  const float* column_gradient;  ///< [columns] or nullptr
  double l1;
  const StepScalars* scalars;
  std::int64_t rows, columns;
  float* bias_gradient;
  ColumnPartials partials;
  int threads;
};

struct UpdateArgs {
  float* parameters;
  const float* gradients;
  float* moment1;
  float* moment2;
  const UpdateParameters::Range* ranges;
  std::int64_t range_count;
  const Optimizer* optimizer;
  const StepScalars* scalars;
  double weight_decay;
  double* value;
  double* value_partials;  ///< [threads]
  int threads;
};

struct Kernels {
  const char* instruction_set;
  void (*gather)(const GatherArgs&);
  void (*bias_activation)(Activation, const BiasActivationArgs&);
  void (*reconstruction)(Loss, Activation, const ReconstructionArgs&);
  void (*softmax)(const SoftmaxArgs&);
  void (*activation_backward)(Activation, const ActivationBackwardArgs&);
  void (*update)(const UpdateArgs&);
  void (*compress)(const CompressArgs&);
  void (*sparse_product)(const SparseProductArgs&);
  void (*sparse_gradient)(const SparseGradientArgs&);
  void (*transpose)(const TransposeArgs&);
  std::int64_t sparse_tile_depth;
};

/// The kernels for this processor.
const Kernels& kernels();

}  // namespace lacuna::cpu
