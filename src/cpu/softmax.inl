// Part of kernels.inl: softmax and cross-entropy.

namespace lacuna::cpu::LACUNA_CPU_TARGET {
namespace {

/// One row: z = product + bias, e^(z - maximum) into `output`. Returns the maximum and the sum of the exponentials. NaN
/// anywhere makes the sum NaN.
struct RowSum {
  float maximum, sum;
};

RowSum softmax_row(const float* product, const float* __restrict bias, std::int64_t columns, float* output) {
  float maximum = product[0] + bias[0];
#pragma omp simd reduction(max : maximum)
  for (std::int64_t j = 0; j < columns; ++j) {
    const float z = product[j] + bias[j];
    maximum = maximum > z ? maximum : z;
  }
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t j = 0; j < columns; ++j) {
    const float e = math::exp_clamped(product[j] + bias[j] - maximum);
    output[j] = e;
    sum += e;
  }
  return {maximum, sum};
}

/// Whether z[label] is the largest, and the first of its size. With NaN anywhere it is not.
bool is_largest(const float* product, const float* bias, std::int64_t columns, std::int64_t label) {
  const float z = product[label] + bias[label];
  bool largest = true;
  for (std::int64_t j = 0; j < columns; ++j) {
    const float other = product[j] + bias[j];
    largest = largest && (j < label ? other < z : other <= z);
  }
  return largest;
}

void softmax(const SoftmaxArgs& p) {
  const double samples = p.labels ? static_cast<double>(p.scalars->sample_count) : 1.0;
  on_threads(p.threads, [&] {
    const auto scale = static_cast<float>(1.0 / samples);
    ColumnSums column_sums(p.partials, p.delta ? p.columns : 0);
    float* __restrict sums = column_sums.block();
    double total = 0, correct = 0;
    const Part mine = share(p.rows, 1);
    for (std::int64_t i = mine.begin; i < mine.end; ++i) {
      const float* product = p.product + i * p.columns;
      float* result = (p.output ? p.output : p.delta) + i * p.columns;
      const std::int64_t label = p.labels ? p.labels[i] : 0;
      const double chosen = static_cast<double>(product[label] + p.bias[label]);  // before `result` takes its place
      if (p.correct) correct += is_largest(product, p.bias, p.columns, label) ? 1.0 : 0.0;
      const RowSum row = softmax_row(product, p.bias, p.columns, result);
      total += std::log(static_cast<double>(row.sum)) + static_cast<double>(row.maximum) - chosen;
      const float inverse = 1.0f / row.sum;
#pragma omp simd
      for (std::int64_t j = 0; j < p.columns; ++j) result[j] *= inverse;
      if (!p.delta) continue;
      float* delta = p.delta + i * p.columns;
#pragma omp simd
      for (std::int64_t j = 0; j < p.columns; ++j) delta[j] = (result[j] - (j == label ? 1.0f : 0.0f)) * scale;
#pragma omp simd
      for (std::int64_t j = 0; j < p.columns; ++j) sums[j] += delta[j];
      column_sums.end_row();
    }
    if (!p.labels) return;
    column_sums.flush();
    const int threads = omp_get_num_threads();
    p.value_partials[omp_get_thread_num()] = total;
    p.value_partials[threads + omp_get_thread_num()] = correct;
#pragma omp barrier
    if (p.delta) add_partials(p.partials, p.columns, p.bias_gradient);
#pragma omp master
    {
      *p.value = add_values(p.value_partials, threads) / samples;
      if (p.correct) *p.correct = add_values(p.value_partials + threads, threads);
    }
  });
}

}  // namespace
}  // namespace lacuna::cpu::LACUNA_CPU_TARGET
