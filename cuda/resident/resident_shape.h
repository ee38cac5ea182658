#pragma once

#include <cstdint>

#include "lacuna/backend.h"
#include "lacuna/math/hd.h"
#include "lacuna/step_plan.h"

// What the host and the resident kernel must agree on: how a network is cut, what lies where in a block's shared
// memory, and the kernel's arguments. docs/resident.md explains the cut.

namespace lacuna::cuda {

constexpr int kResidentThreads = 256;
constexpr int kResidentWarps = kResidentThreads / 32;
/// Products are made in tiles of so many rows; on tensor cores of twice as many.
constexpr int kTileRows = 8;

/// Block b of N has the parts [b n / N, (b + 1) n / N) of n units or outputs.
struct BlockPart {
  int begin, count;
};
LACUNA_HD BlockPart block_part(int n, int block, int blocks) {
  const auto begin = static_cast<int>(std::int64_t{n} * block / blocks);
  return {begin, static_cast<int>(std::int64_t{n} * (block + 1) / blocks) - begin};
}

/// M, D, H of the network, the blocks that run it, and what one element of the data set and of the optimizer's state
/// takes.
struct ResidentShape {
  int rows = 0, features = 0, units = 0;
  int blocks = 0;
  int data_bytes = 4;  ///< 1 or 4
  int moments = 0;
  Precision precision = Precision::fp32;  ///< of products
};

/// Bytes of an element of the code where blocks exchange it.
constexpr int code_bytes(Precision precision) {
  return precision == Precision::bf16 ? 2 : 4;
}

/// A block's shared memory. Offsets in floats, each a multiple of 4; extents in elements. Padding within rows is 0.
struct ResidentLayout {
  int units = 0, outputs = 0;  ///< the most that a block has
  int d_stride = 0;            ///< floats of a row of W1
  int h_stride = 0;            ///< elements of a row of W2, and of the code
  int x_stride = 0;            ///< elements of a row of the batch
  int m_stride = 0;            ///< floats of a row over samples
  int delta2_stride = 0;       ///< the same of delta2
  int x_rows = 0, h_rows = 0;  ///< rows of the batch, and of the code, that are held at once
  int segments = 0;            ///< parts in which the products of all blocks are added up
  int w1 = 0, w2 = 0;          ///< weights, then each moment: [units, d_stride], [outputs, h_stride]
  int b1 = 0, b2 = 0;          ///< the same of the biases
  int gradient = 0;            ///< of W1 or W2, by turns
  int column_gradient = 0;     ///< [units], of the sparsity penalty
  int code = 0, delta1 = 0;    ///< [units, m_stride]
  int delta2 = 0;              ///< [outputs, delta2_stride]
  int parts = 0;               ///< [segments, units, m_stride]
  int order = 0;               ///< int [m_stride]: the batch's rows of the data set
  int scalars = 0;             ///< StepScalars
  int bias_gradient = 0;       ///< [max(units, outputs)]
  int unit_values = 0;         ///< double [units, 2]: penalty and mean activation
  int x = 0, h = 0;            ///< [x_rows, x_stride] of the data's type, [h_rows, h_stride] of the code's
  std::int64_t bytes = 0;
};

/// Where everything outside shared memory lies.
struct ResidentMemory {
  const void* data = nullptr;  ///< [data_rows, D]
  StepState* state = nullptr;
  StepScalars* scalars = nullptr;
  StepLoss* ring = nullptr;
  float *w1 = nullptr, *b1 = nullptr, *w2 = nullptr, *b2 = nullptr;  ///< within the slab of parameters
  std::int64_t to_moment[2] = {};                                    ///< floats from a parameter to its moments
  void* code = nullptr;                                              ///< [M, h_stride] of code_bytes, padding 0
  float* products = nullptr;                                         ///< [H, blocks, m_stride]: delta2 W2 of each block
  double* values = nullptr;                                          ///< [2, blocks, 4]: the terms of J, by turns
};

struct ResidentArgs {
  ResidentShape shape;
  ResidentLayout layout;
  ResidentMemory memory;
  std::int64_t data_rows = 0, ring_capacity = 0;
  bool shuffle = true;
  std::uint64_t seed = 0;
  Activation hidden = Activation::sigmoid, output = Activation::sigmoid;
  Loss loss = Loss::half_squared;
  Reduction reduction = Reduction::sample;
  Sparsity sparsity = Sparsity::none;
  double rho = 0, beta = 0, l1 = 0;
  double weight_decay = 0;
  Optimizer optimizer;
  int steps = 0;
};

}  // namespace lacuna::cuda
