// Compiled once for each instruction set, with LACUNA_CPU_TARGET naming it. Includes nothing whose inline
// functions could leak out of this translation unit compiled for the wrong processor.

#include "cpu/kernels.h"
#include "cpu/parallel.inl"
#include "cpu/vector.inl"
#include "cpu/compress.inl"
#include "lacuna/math/activation.h"
#include "lacuna/math/feistel.h"
#include "lacuna/math/loss.h"
#include "lacuna/math/penalty.h"
#include "lacuna/math/update.h"

namespace lacuna::cpu::LACUNA_CPU_TARGET {
namespace {

/// byte / 255, rounded as a division would be, without one: the first product is exact, and the second one's rounding
/// error too small to matter.
constexpr float unit_of_byte(std::uint8_t byte) {
  constexpr float kHigh = 0x1.01p-8f, kLow = 0x1.01010101p-24f;  // 1 / 255 = 0x1.01010101...p-8
  const auto value = static_cast<float>(byte);
  return value * kHigh + value * kLow;
}
static_assert([] {
  for (int byte = 0; byte < 256; ++byte)
    if (unit_of_byte(static_cast<std::uint8_t>(byte)) != static_cast<float>(byte) / 255.0f) return false;
  return true;
}());

std::int64_t row_bytes(const GatherArgs& p) {
  return p.columns * (p.dtype == DType::u8 ? 1 : 4);
}

/// Shuffled rows lie where no processor expects them.
void prefetch_row(const GatherArgs& p, std::int64_t row) {
  constexpr std::int64_t kLineBytes = 64;
  const std::int64_t bytes = row_bytes(p);
  const auto* begin = static_cast<const std::uint8_t*>(p.data) + row * bytes;
  for (std::int64_t at = 0; at < bytes; at += kLineBytes) __builtin_prefetch(begin + at);
}

void gather(const GatherArgs& p) {
  const math::FeistelOrder order(p.seed, static_cast<std::uint64_t>(p.state->epoch),
                                 static_cast<std::uint64_t>(p.data_rows));
  const std::int64_t position = p.state->position;
  const auto row_of = [&](std::int64_t i) {
    return p.shuffle ? static_cast<std::int64_t>(order(static_cast<std::uint64_t>(position + i))) : position + i;
  };
  // A short row is converted in less time than memory takes to answer; long ones would drive one another out of L1.
  constexpr std::int64_t kMostAhead = 8, kBytesAhead = 8 * 1024;
  const std::int64_t fitting = kBytesAhead / row_bytes(p);
  const std::int64_t ahead = fitting < 1 ? 1 : fitting < kMostAhead ? fitting : kMostAhead;
  on_threads(p.threads, [&] {
    const Part mine = share(p.rows, 1);
    std::int64_t rows[kMostAhead];  // of samples to come
    const auto fetch = [&](std::int64_t i) {
      if (i >= mine.end) return;
      rows[i % ahead] = row_of(i);
      prefetch_row(p, rows[i % ahead]);
    };
    for (std::int64_t i = mine.begin; i < mine.begin + ahead; ++i) fetch(i);
    for (std::int64_t i = mine.begin; i < mine.end; ++i) {
      const std::int64_t row = rows[i % ahead];
      fetch(i + ahead);
      if (p.labels) p.batch_labels[i] = p.labels[row];
      float* __restrict to = p.batch + i * p.columns;
      if (p.dtype == DType::u8) {
        const std::uint8_t* __restrict from = static_cast<const std::uint8_t*>(p.data) + row * p.columns;
#pragma omp simd
        for (std::int64_t j = 0; j < p.columns; ++j) to[j] = unit_of_byte(from[j]);
      } else {
        const float* __restrict from = static_cast<const float*>(p.data) + row * p.columns;
#pragma omp simd
        for (std::int64_t j = 0; j < p.columns; ++j) to[j] = from[j];
      }
      if (p.sparse.rows > 0) compress_row(p.sparse, to, i, i == mine.begin);
    }
  });
}

/// `sums` of the activations, or of activations and magnitudes, or neither: a template, so that the inner loop has no
/// branch.
template <class A, bool kSums, bool kAbsSums>
void bias_activation(const BiasActivationArgs& p) {
  on_threads(p.threads, [&] {
    ColumnSums column_sums(p.partials, kSums ? p.columns : 0);
    ColumnSums column_abs_sums(p.abs_partials, kAbsSums ? p.columns : 0);
    float* __restrict sums = column_sums.block();
    float* __restrict abs_sums = column_abs_sums.block();
    const float* __restrict bias = p.bias;
    const Part mine = share(p.rows, 1);
    for (std::int64_t i = mine.begin; i < mine.end; ++i) {
      float* __restrict row = p.values + i * p.columns;
#pragma omp simd
      for (std::int64_t j = 0; j < p.columns; ++j) {
        const float h = A::forward(row[j] + bias[j]);
        row[j] = h;
        if constexpr (kSums) sums[j] += h;
        if constexpr (kAbsSums) abs_sums[j] += math::L1Penalty::value(h);
      }
      if constexpr (kSums) column_sums.end_row();
      if constexpr (kAbsSums) column_abs_sums.end_row();
    }
    if constexpr (kSums || kAbsSums) {
      column_sums.flush();
      column_abs_sums.flush();
#pragma omp barrier
      if constexpr (kSums) add_partials(p.partials, p.columns, p.column_sums);
      if constexpr (kAbsSums) add_partials(p.abs_partials, p.columns, p.column_abs_sums);
    }
  });
}

template <class A>
void bias_activation(const BiasActivationArgs& p) {
  if (p.column_sums && p.column_abs_sums) return bias_activation<A, true, true>(p);
  if (p.column_sums) return bias_activation<A, true, false>(p);
  if (p.column_abs_sums) return bias_activation<A, false, true>(p);
  bias_activation<A, false, false>(p);
}

/// Float sums of a value are carried over so many elements only, then added in double.
constexpr std::int64_t kValueBlock = 256;

template <class L, class A, bool kDelta, bool kOutput>
void reconstruction(const ReconstructionArgs& p) {
  const double samples = p.scalars->sample_count;
  double scale = 1.0;
  if (p.reduction != Reduction::sum) scale /= samples;
  if (p.reduction == Reduction::element) scale /= static_cast<double>(p.columns);
  on_threads(p.threads, [&] {
    // A copy of its own: one captured by reference might alias what the loop writes, and would not vectorise.
    const auto delta_scale = static_cast<float>(scale);
    ColumnSums column_sums(p.partials, kDelta ? p.columns : 0);
    float* __restrict sums = column_sums.block();
    const float* __restrict bias = p.bias;
    double total = 0;
    const Part mine = share(p.rows, 1);
    for (std::int64_t i = mine.begin; i < mine.end; ++i) {
      // product, delta and output may be one buffer: each element is read before it is written.
      const float* product = p.product + i * p.columns;
      const float* __restrict target = p.target + i * p.columns;
      float* delta = kDelta ? p.delta + i * p.columns : nullptr;
      float* output = kOutput ? p.output + i * p.columns : nullptr;
      for (std::int64_t begin = 0; begin < p.columns; begin += kValueBlock) {
        const std::int64_t end = begin + kValueBlock < p.columns ? begin + kValueBlock : p.columns;
        float value = 0;
#pragma omp simd reduction(+ : value)
        for (std::int64_t j = begin; j < end; ++j) {
          const float a = product[j] + bias[j];
          const float x = target[j];
          const float y = A::forward(a);
          value += L::value(x, y, a);
          if constexpr (kDelta) {
            const float d = delta_scale * L::template delta<A>(x, y);
            delta[j] = d;
            sums[j] += d;
          }
          if constexpr (kOutput) output[j] = y;
        }
        total += value;
      }
      if constexpr (kDelta) column_sums.end_row();
    }
    column_sums.flush();
    p.value_partials[omp_get_thread_num()] = total;
#pragma omp barrier
    if constexpr (kDelta) add_partials(p.partials, p.columns, p.bias_gradient);
#pragma omp master
    *p.value = scale * add_values(p.value_partials, omp_get_num_threads());
  });
}

template <class L, class A>
void reconstruction(const ReconstructionArgs& p) {
  if (p.delta && p.output) return reconstruction<L, A, true, true>(p);
  if (p.delta) return reconstruction<L, A, true, false>(p);
  if (p.output) return reconstruction<L, A, false, true>(p);
  reconstruction<L, A, false, false>(p);
}

template <class A, bool kColumn, bool kL1, bool kTopK>
void activation_backward(const ActivationBackwardArgs& p) {
  on_threads(p.threads, [&] {
    const float l1 = kL1 ? static_cast<float>(p.l1 / static_cast<double>(p.scalars->sample_count)) : 0.0f;
    ColumnSums column_sums(p.partials, p.columns);
    float* __restrict sums = column_sums.block();
    const float* __restrict column = p.column_gradient;
    const Part mine = share(p.rows, 1);
    for (std::int64_t i = mine.begin; i < mine.end; ++i) {
      float* __restrict gradient = p.gradient + i * p.columns;
      const float* __restrict output = p.output + i * p.columns;
      const std::uint32_t* __restrict kept = kTopK ? p.kept + i * ((p.columns + 31) / 32) : nullptr;
#pragma omp simd
      for (std::int64_t j = 0; j < p.columns; ++j) {
        const float h = output[j];
        float g = gradient[j];
        if constexpr (kColumn) g += column[j];
        if constexpr (kL1) g += l1 * math::L1Penalty::derivative(h);
        g *= A::derivative(h);
        if constexpr (kTopK) g = kept[j >> 5] >> (j & 31) & 1u ? g : 0.0f;
        gradient[j] = g;
        sums[j] += g;
      }
      column_sums.end_row();
    }
    column_sums.flush();
#pragma omp barrier
    add_partials(p.partials, p.columns, p.bias_gradient);
  });
}

template <class A, bool kTopK>
void activation_backward(const ActivationBackwardArgs& p) {
  if (p.column_gradient && p.l1 != 0) return activation_backward<A, true, true, kTopK>(p);
  if (p.column_gradient) return activation_backward<A, true, false, kTopK>(p);
  if (p.l1 != 0) return activation_backward<A, false, true, kTopK>(p);
  activation_backward<A, false, false, kTopK>(p);
}

/// Calls `element(i, g)` for every element of every range, g including weight decay, and returns the sum of squares of
/// the decaying weights of this thread's part. Float sums are carried over blocks only.
template <class Element>
double update_ranges(const UpdateArgs& p, const Element& element) {
  const float* gradients = p.gradients;
  const float* parameters = p.parameters;
  double squares = 0;
  for (std::int64_t r = 0; r < p.range_count; ++r) {
    const UpdateParameters::Range range = p.ranges[r];
    const float decay = range.decays ? static_cast<float>(p.weight_decay) : 0.0f;
    const Part mine = share(range.elements, kCacheLine);
    for (std::int64_t block = mine.begin; block < mine.end; block += kValueBlock) {
      const std::int64_t begin = range.offset + block;
      const std::int64_t end = range.offset + (block + kValueBlock < mine.end ? block + kValueBlock : mine.end);
      float block_squares = 0;
#pragma omp simd reduction(+ : block_squares)
      for (std::int64_t i = begin; i < end; ++i) {
        const float w = parameters[i];
        block_squares += w * w;
        element(i, gradients[i] + decay * w);
      }
      if (range.decays) squares += block_squares;
    }
  }
  return squares;
}

void decay_gradients(const UpdateArgs& p) {
  float* const __restrict gradients = p.gradients;
  on_threads(p.threads, [&] {
    p.value_partials[omp_get_thread_num()] = update_ranges(p, [=](std::int64_t i, float g) { gradients[i] = g; });
#pragma omp barrier
#pragma omp master
    *p.value = 0.5 * p.weight_decay * add_values(p.value_partials, omp_get_num_threads());
  });
}

void update(const UpdateArgs& p) {
  const Optimizer& o = *p.optimizer;
  const float rate = p.scalars->learning_rate;
  const auto momentum = static_cast<float>(o.momentum);
  float* const w = p.parameters;
  float* const __restrict m = p.moment1;
  float* const __restrict v = p.moment2;
  const math::SgdUpdate sgd{rate};
  const math::MomentumUpdate with_momentum{rate, momentum};
  const math::NesterovUpdate nesterov{rate, momentum};
  const math::AdamUpdate adam{p.scalars->adam_step_size,         p.scalars->adam_inv_sqrt_correction2,
                              static_cast<float>(o.beta1),       static_cast<float>(o.beta2),
                              static_cast<float>(1.0 - o.beta1), static_cast<float>(1.0 - o.beta2),
                              static_cast<float>(o.epsilon)};
  on_threads(p.threads, [&] {
    double squares = 0;
    if (o.kind == OptimizerKind::adam)
      squares = update_ranges(p, [=](std::int64_t i, float g) { adam(w[i], g, m[i], v[i]); });
    else if (o.momentum == 0)
      squares = update_ranges(p, [=](std::int64_t i, float g) { sgd(w[i], g); });
    else if (o.nesterov)
      squares = update_ranges(p, [=](std::int64_t i, float g) { nesterov(w[i], g, m[i]); });
    else
      squares = update_ranges(p, [=](std::int64_t i, float g) { with_momentum(w[i], g, m[i]); });
    p.value_partials[omp_get_thread_num()] = squares;
#pragma omp barrier
#pragma omp master
    *p.value = 0.5 * p.weight_decay * add_values(p.value_partials, omp_get_num_threads());
  });
}

/// Calls f with the struct of the activation's formulas.
template <class F>
void with_activation(Activation activation, const F& f) {
  switch (activation) {
    case Activation::identity:
      return f(math::Identity{});
    case Activation::sigmoid:
      return f(math::Sigmoid{});
    case Activation::relu:
      return f(math::Relu{});
  }
}

void dispatch_bias_activation(Activation activation, const BiasActivationArgs& p) {
  with_activation(activation, [&](auto a) { bias_activation<decltype(a)>(p); });
}

void dispatch_activation_backward(Activation activation, const ActivationBackwardArgs& p) {
  with_activation(activation, [&](auto a) {
    p.kept ? activation_backward<decltype(a), true>(p) : activation_backward<decltype(a), false>(p);
  });
}

void dispatch_reconstruction(Loss loss, Activation activation, const ReconstructionArgs& p) {
  if (loss == Loss::bce) return reconstruction<math::BceLoss, math::Sigmoid>(p);
  with_activation(activation, [&](auto a) {
    if (loss == Loss::squared)
      reconstruction<math::SquaredLoss, decltype(a)>(p);
    else
      reconstruction<math::HalfSquaredLoss, decltype(a)>(p);
  });
}

}  // namespace
}  // namespace lacuna::cpu::LACUNA_CPU_TARGET

#include "cpu/gemm.inl"
#include "cpu/transpose.inl"
#include "cpu/convolution.inl"
#include "cpu/narrow.inl"
#include "cpu/noise.inl"
#include "cpu/softmax.inl"
#include "cpu/sparse_product.inl"
#include "cpu/kept_products.inl"
#include "cpu/top_k.inl"
#include "cpu/vectors.inl"

namespace lacuna::cpu::LACUNA_CPU_TARGET {

#define LACUNA_TEXT2(x) #x
#define LACUNA_TEXT(x) LACUNA_TEXT2(x)

extern const Kernels kKernels;
const Kernels kKernels{LACUNA_TEXT(LACUNA_CPU_TARGET),
                       gather,
                       dispatch_bias_activation,
                       dispatch_reconstruction,
                       softmax,
                       dispatch_activation_backward,
                       top_k,
                       noise,
                       update,
                       decay_gradients,
                       dots,
                       combine,
                       sparse_product,
                       sparse_gradient,
                       list_kept,
                       kept_product,
                       kept_dots,
                       kept_gradient,
                       dispatch_kept_activation_backward,
                       transpose,
                       kTileDepth,
                       kFewestSamples,
                       convolution_product,
                       convolution_fold,
                       convolution_gradient,
                       narrow,
                       gemm,
                       kGemmWorkspace};

}  // namespace lacuna::cpu::LACUNA_CPU_TARGET
