// Part of kernels.inl: what a line search does with whole slabs.

namespace lacuna::cpu::LACUNA_CPU_TARGET {
namespace {

/// Both vectors of a pair stay in L1 while each of them meets the others.
constexpr std::int64_t kDotBlock = 512;

double dot(const float* __restrict a, const float* __restrict b, std::int64_t elements) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < elements; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

void dots(const DotsArgs& p) {
  const std::int64_t pairs = p.left_count * p.right_count;
  on_threads(p.threads, [&] {
    double* sums = p.partials + omp_get_thread_num() * pairs;
    for (std::int64_t i = 0; i < pairs; ++i) sums[i] = 0;
    const Part mine = share(p.elements, kDotBlock);
    for (std::int64_t begin = mine.begin; begin < mine.end; begin += kDotBlock) {
      const std::int64_t elements = mine.end - begin < kDotBlock ? mine.end - begin : kDotBlock;
      for (std::int64_t l = 0; l < p.left_count; ++l)
        for (std::int64_t r = 0; r < p.right_count; ++r)
          sums[l * p.right_count + r] += dot(p.left[l] + begin, p.right[r] + begin, elements);
    }
#pragma omp barrier
#pragma omp master
    for (std::int64_t i = 0; i < pairs; ++i) {
      double sum = 0;
      for (int t = 0; t < omp_get_num_threads(); ++t) sum += p.partials[t * pairs + i];
      p.values[i] = sum;
    }
  });
}

void combine(const CombineArgs& p) {
  on_threads(p.threads, [&] {
    const Part mine = share(p.elements, kCacheLine);
    double sums[kDotBlock];
    for (std::int64_t begin = mine.begin; begin < mine.end; begin += kDotBlock) {
      const std::int64_t elements = mine.end - begin < kDotBlock ? mine.end - begin : kDotBlock;
      for (std::int64_t i = 0; i < elements; ++i) sums[i] = 0;
      for (std::int64_t v = 0; v < p.count; ++v) {
        const double coefficient = p.coefficients[v];
        const float* vector = p.vectors[v] + begin;
#pragma omp simd
        for (std::int64_t i = 0; i < elements; ++i) sums[i] += coefficient * static_cast<double>(vector[i]);
      }
      float* output = p.output + begin;
#pragma omp simd
      for (std::int64_t i = 0; i < elements; ++i) output[i] = static_cast<float>(sums[i]);
    }
  });
}

}  // namespace
}  // namespace lacuna::cpu::LACUNA_CPU_TARGET
