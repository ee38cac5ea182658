#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/device/launch.h"

// Correct kernels of some size: right, and the same bits in every schedule.
namespace simt::test {
namespace {

struct Add {
  __device__ __forceinline__ float operator()(float a, float b) const { return a + b; }
  static constexpr float kNeutral = 0;
};

struct Greater {
  __device__ __forceinline__ float operator()(float a, float b) const { return fmaxf(a, b); }
  static constexpr float kNeutral = -INFINITY;
};

template <class Combine>
__device__ float block_reduce(float value, Combine combine) {
  __shared__ float partial[32];
  const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  for (int d = 16; d > 0; d /= 2) value = combine(value, __shfl_xor_sync(kAll, value, d));
  if (lane == 0) partial[warp] = value;
  __syncthreads();
  if (warp == 0) {
    value = lane < blockDim.x / 32 ? partial[lane] : Combine::kNeutral;
    for (int d = 16; d > 0; d /= 2) value = combine(value, __shfl_down_sync(kAll, value, static_cast<unsigned>(d)));
    if (lane == 0) partial[0] = value;
  }
  __syncthreads();
  value = partial[0];
  __syncthreads();
  return value;
}

__global__ __launch_bounds__(256) void softmax_rows(float* __restrict__ y, const float* __restrict__ x, int columns) {
  const float* row = x + std::size_t{blockIdx.x} * columns;
  float* out = y + std::size_t{blockIdx.x} * columns;
  float highest = -INFINITY, sum = 0;
  for (int c = static_cast<int>(threadIdx.x); c < columns; c += static_cast<int>(blockDim.x)) {
    highest = fmaxf(highest, __ldg(row + c));
  }
  highest = block_reduce(highest, Greater{});
  for (int c = static_cast<int>(threadIdx.x); c < columns; c += static_cast<int>(blockDim.x)) {
    sum += __expf(row[c] - highest);
  }
  sum = block_reduce(sum, Add{});
  for (int c = static_cast<int>(threadIdx.x); c < columns; c += static_cast<int>(blockDim.x)) {
    __stcs(out + c, __expf(row[c] - highest) / sum);
  }
}

TEST(Kernels, Softmax) {
  for (const int columns : {1, 31, 256, 1000}) {
    constexpr int rows = 5;
    std::vector<float> x(rows * columns), y(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = 10 * std::sin(static_cast<float>(i));
    EXPECT_TRUE(same_in_all_schedules([&] {
      launch({rows, 256}, softmax_rows, y.data(), x.data(), columns);
      return y;
    }));
    for (int r = 0; r < rows; ++r) {
      const float* row = x.data() + r * columns;
      double sum = 0;
      for (int c = 0; c < columns; ++c) sum += std::exp(static_cast<double>(row[c]));
      for (int c = 0; c < columns; ++c) {
        EXPECT_NEAR(y[r * columns + c], std::exp(static_cast<double>(row[c])) / sum, 1e-6);
      }
    }
  }
}

// Column sums in one launch: partial sums by chunks of rows; the block that finishes last adds them.
__global__ void column_sums(float* out, float* partial, unsigned* done, const float* x, unsigned rows,
                            unsigned columns) {
  __shared__ bool last;
  const unsigned column = blockIdx.x * blockDim.x + threadIdx.x;
  float sum = 0;
  if (column < columns) {
    for (unsigned r = blockIdx.y; r < rows; r += gridDim.y) sum += x[r * columns + column];
    partial[blockIdx.y * columns + column] = sum;
  }
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) last = atomicInc(done + blockIdx.x, gridDim.y - 1) == gridDim.y - 1;
  __syncthreads();
  if (!last || column >= columns) return;
  sum = 0;
  for (unsigned chunk = 0; chunk < gridDim.y; ++chunk) sum += partial[chunk * columns + column];
  out[column] = sum;
}

TEST(Kernels, ColumnSumsByTheLastBlock) {
  constexpr unsigned rows = 100, columns = 70, chunks = 7;
  std::vector<float> x(rows * columns), out(columns);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::cos(static_cast<float>(i));
  std::vector<unsigned> done(3);
  EXPECT_TRUE(same_in_all_schedules([&] {
    std::vector<float> partial(chunks * columns);
    launch({dim3(3, chunks), 32}, column_sums, out.data(), partial.data(), done.data(), x.data(), rows, columns);
    return out;
  }));
  EXPECT_EQ(done, std::vector<unsigned>(3));
  for (unsigned c = 0; c < columns; ++c) {
    double sum = 0;
    for (unsigned r = 0; r < rows; ++r) sum += x[r * columns + c];
    EXPECT_NEAR(out[c], sum, 1e-5);
  }
}

// One warp takes the k largest of a row; ties go to the lower column.
__global__ void top_k(int* indices, const float* x, int columns, int k) {
  const int lane = static_cast<int>(threadIdx.x) % warpSize;
  const float* row = x + std::size_t{blockIdx.x} * columns;
  float last = INFINITY;
  int last_column = -1;
  for (int j = 0; j < k; ++j) {
    float best = -INFINITY;
    int best_column = columns;
    for (int c = lane; c < columns; c += warpSize) {
      const bool is_left = row[c] < last || (row[c] == last && c > last_column);
      if (is_left && (row[c] > best || (row[c] == best && c < best_column))) {
        best = row[c];
        best_column = c;
      }
    }
    for (int d = 16; d > 0; d /= 2) {
      const float other = __shfl_xor_sync(kAll, best, d);
      const int other_column = __shfl_xor_sync(kAll, best_column, d);
      if (other > best || (other == best && other_column < best_column)) {
        best = other;
        best_column = other_column;
      }
    }
    if (lane == 0) indices[blockIdx.x * static_cast<unsigned>(k) + static_cast<unsigned>(j)] = best_column;
    last = best;
    last_column = best_column;
  }
}

TEST(Kernels, TopKWithTies) {
  constexpr int rows = 3, columns = 200, k = 9;
  std::vector<float> x(rows * columns);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 7 % 23);
  std::vector<int> indices(rows * k);
  EXPECT_TRUE(same_in_all_schedules([&] {
    launch({rows, 32}, top_k, indices.data(), x.data(), columns, k);
    return indices;
  }));
  for (int r = 0; r < rows; ++r) {
    std::vector<int> expected(columns);
    for (int c = 0; c < columns; ++c) expected[c] = c;
    std::stable_sort(expected.begin(), expected.end(),
                     [&](int a, int b) { return x[r * columns + a] > x[r * columns + b]; });
    EXPECT_TRUE(std::equal(expected.begin(), expected.begin() + k, indices.begin() + r * k));
  }
}

__global__ void transpose(float* out, const float* x, unsigned rows, unsigned columns) {
  __shared__ float tile[16][17];
  unsigned c = blockIdx.x * 16 + threadIdx.x, r = blockIdx.y * 16 + threadIdx.y;
  if (r < rows && c < columns) tile[threadIdx.y][threadIdx.x] = x[r * columns + c];
  __syncthreads();
  c = blockIdx.y * 16 + threadIdx.x;
  r = blockIdx.x * 16 + threadIdx.y;
  if (r < columns && c < rows) out[r * rows + c] = tile[threadIdx.x][threadIdx.y];
}

TEST(Kernels, TransposeThroughATile) {
  constexpr unsigned rows = 37, columns = 50;
  std::vector<float> x(rows * columns), out(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
  EXPECT_TRUE(same_in_all_schedules([&] {
    launch({dim3(4, 3), dim3(16, 16)}, transpose, out.data(), x.data(), rows, columns);
    return out;
  }));
  for (unsigned r = 0; r < rows; ++r) {
    for (unsigned c = 0; c < columns; ++c) ASSERT_EQ(out[c * rows + r], x[r * columns + c]);
  }
}

}  // namespace
}  // namespace simt::test
