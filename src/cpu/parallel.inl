// Part of kernels.inl's translation units: how the threads share the work and add up their sums.

#include <omp.h>

#include "cpu/kernels.h"

namespace lacuna::cpu::LACUNA_CPU_TARGET {
namespace {

struct Part {
  std::int64_t begin, end;
};

/// Runs `body` on every thread. One thread needs no parallel region, for each of which libgomp would allocate a team
/// (it keeps the last team only of several threads); barriers outside of one do nothing.
template <class Body>
void on_threads(int threads, const Body& body) {
  if (threads == 1 && !omp_in_parallel()) return body();
#pragma omp parallel num_threads(threads)
  body();
}

/// Calls `body(item)` for each of `count` items, on whichever thread is free.
template <class Body>
void share_out(int threads, std::int64_t count, const Body& body) {
  if (threads == 1) {  // as above: libgomp would allocate what the threads share
    for (std::int64_t item = 0; item < count; ++item) body(item);
    return;
  }
#pragma omp parallel for num_threads(threads) schedule(dynamic)
  for (std::int64_t item = 0; item < count; ++item) body(item);
}

/// The share of this thread in `count` items taken in blocks of `block`.
Part share(std::int64_t count, std::int64_t block) {
  const std::int64_t threads = omp_get_num_threads(), thread = omp_get_thread_num();
  const std::int64_t blocks = (count + block - 1) / block;
  const std::int64_t begin = blocks * thread / threads * block, end = blocks * (thread + 1) / threads * block;
  return {begin < count ? begin : count, end < count ? end : count};
}

constexpr std::int64_t kCacheLine = 16;  // floats

/// One thread's sums over the rows of its part. Blocks of rows are summed first and then added: the rounding error of
/// one long running sum would grow with the batch.
class ColumnSums {
 public:
  ColumnSums(const ColumnPartials& partials, std::int64_t columns)
      : total_(partials.sums + omp_get_thread_num() * 2 * partials.stride),
        block_(total_ + partials.stride),
        columns_(columns) {
    for (std::int64_t j = 0; j < columns; ++j) total_[j] = block_[j] = 0.0f;
  }
  /// Where a row's values are added.
  float* block() const { return block_; }
  void end_row() {
    if (++rows_ == kRows) flush();
  }
  void flush() {
    float* __restrict total = total_;
    float* __restrict block = block_;
#pragma omp simd
    for (std::int64_t j = 0; j < columns_; ++j) {
      total[j] += block[j];
      block[j] = 0.0f;
    }
    rows_ = 0;
  }

 private:
  static constexpr int kRows = 32;
  float* total_;
  float* block_;
  std::int64_t columns_;
  int rows_ = 0;
};

/// After a barrier: adds the threads' rows in thread order, each thread for its own columns.
void add_partials(const ColumnPartials& partials, std::int64_t columns, float* sums) {
  const Part mine = share(columns, kCacheLine);
  const std::int64_t threads = omp_get_num_threads();
  for (std::int64_t j = mine.begin; j < mine.end; ++j) {
    float sum = partials.sums[j];
    for (std::int64_t t = 1; t < threads; ++t) sum += partials.sums[t * 2 * partials.stride + j];
    sums[j] = sum;
  }
}

double add_values(const double* partials, int threads) {
  double sum = 0;
  for (int t = 0; t < threads; ++t) sum += partials[t];
  return sum;
}

}  // namespace
}  // namespace lacuna::cpu::LACUNA_CPU_TARGET
