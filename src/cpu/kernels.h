#pragma once

#include <cstdint>

#include "cpu/convolution_kernels.h"
#include "cpu/kept_products.h"
#include "cpu/sparse_product.h"
#include "lacuna/network.h"
#include "lacuna/objective.h"
#include "lacuna/step_plan.h"

// The element-wise kernels of the CPU backend. Each makes one pass over its operands with all threads, rows (or
// elements) being divided into one contiguous part per thread, so that sums are always formed in the same order.
// The same source is compiled once for each instruction set; kernels() picks the best one for this processor.

namespace lacuna::cpu {

struct GatherArgs {
  const void* data;  ///< [data_rows, columns] u8 or f32
  DType dtype;
  std::int64_t data_rows, columns;
  const StepState* state;
  float* batch;  ///< [rows, columns]
  std::int64_t rows;
  bool shuffle;
  std::uint64_t seed;
  const std::int32_t* labels;  ///< [data_rows] or nullptr
  std::int32_t* batch_labels;  ///< [rows], with labels
  TiledSparse sparse;          ///< filled with the batch's nonzero values as well, unless it has no rows
  int threads;
};

struct NoiseArgs {
  NoiseKind kind;
  float amount;
  const float* input;  ///< [elements]
  float* output;       ///< [elements], may be `input`, except for shift
  std::int64_t elements;
  const StepState* state;
  std::uint64_t seed;
  std::uint32_t stream;
  ImageExtents image;  ///< shift
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
  double* correct;             ///< with labels, or nullptr
  ColumnPartials partials;
  double* value_partials;  ///< [threads, 2]
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
  const std::uint32_t* kept;  ///< [rows, ceil(columns / 32)] or nullptr
  ColumnPartials partials;
  int threads;
};

struct TopKArgs {
  float* values;  ///< [rows, columns], in place
  std::int64_t rows, columns;
  const StepScalars* scalars;
  std::uint32_t* kept;     ///< [rows, ceil(columns / 32)] or nullptr
  float* column_sums;      ///< [columns] or nullptr
  float* column_abs_sums;  ///< [columns] or nullptr
  ColumnPartials partials, abs_partials;
  int threads;
};

struct DotsArgs {
  const float* const* left;
  std::int64_t left_count;
  const float* const* right;
  std::int64_t right_count;
  std::int64_t elements;
  double* values;    ///< [left_count, right_count]
  double* partials;  ///< [threads, left_count * right_count]
  int threads;
};

struct CombineArgs {
  const float* const* vectors;
  const double* coefficients;
  std::int64_t count, elements;
  float* output;
  int threads;
};

struct UpdateArgs {
  float* parameters;
  float* gradients;  ///< written by decay_gradients alone
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

/// C [m, n] = A [m, k] B [k, n]; element (i, j) of A and B lies at i * row_stride + j * column_stride, one of which
/// is 1.
struct GemmArgs {
  struct Operand {
    const float* values;
    std::int64_t row_stride, column_stride;
  };
  std::int64_t m, n, k;
  Operand a, b;
  float* c;
  bool accumulate;  ///< add to c
  float* packed;    ///< [Kernels::gemm_workspace], aligned to 64 bytes
  int threads;
};

/// to[i] = from[i], rounded to bfloat16.
struct NarrowArgs {
  const float* from;
  std::uint16_t* to;
  std::int64_t elements;
  int threads;
};

struct Kernels {
  const char* instruction_set;
  void (*gather)(const GatherArgs&);
  void (*bias_activation)(Activation, const BiasActivationArgs&);
  void (*reconstruction)(Loss, Activation, const ReconstructionArgs&);
  void (*softmax)(const SoftmaxArgs&);
  void (*activation_backward)(Activation, const ActivationBackwardArgs&);
  void (*top_k)(const TopKArgs&);
  void (*noise)(const NoiseArgs&);
  void (*update)(const UpdateArgs&);
  void (*decay_gradients)(const UpdateArgs&);
  void (*dots)(const DotsArgs&);
  void (*combine)(const CombineArgs&);
  void (*sparse_product)(const SparseProductArgs&);
  void (*sparse_gradient)(const SparseGradientArgs&);
  void (*list_kept)(const ListKeptArgs&);
  void (*kept_product)(const KeptProductArgs&);
  void (*kept_dots)(const KeptDotsArgs&);
  void (*kept_gradient)(const KeptGradientArgs&);
  void (*kept_activation_backward)(Activation, const KeptActivationArgs&);
  void (*transpose)(const TransposeArgs&);
  std::int64_t sparse_tile_depth, sparse_fewest_samples;
  void (*convolution_product)(const ConvolutionProductArgs&);
  void (*convolution_fold)(const ConvolutionFoldArgs&);
  void (*convolution_gradient)(const ConvolutionGradientArgs&);
  void (*narrow)(const NarrowArgs&);
  void (*gemm)(const GemmArgs&);
  std::int64_t gemm_workspace;  ///< floats
};

/// The kernels for this processor.
const Kernels& kernels();

}  // namespace lacuna::cpu
