// The CPU backend's top-k beside one pass that reads and writes the same values, alternating in this process: pass_ms
// and top_k_ms are medians, ratio the median of the pairwise ratios. memory:1 has the caches hold other things before
// each, memory:0 what they keep of the values just written. And the training step of a convolutional
// autoencoder, the same as bench/peers/torch_conv_step.py takes.

#include <benchmark/benchmark.h>
#include <omp.h>

#include <algorithm>
#include <random>
#include <vector>

#include "clock.h"
#include "cpu/kernels.h"
#include "digits.h"
#include "lacuna/backend.h"
#include "lacuna/trainer.h"

namespace {

using lacuna::bench::median;
using lacuna::bench::milliseconds;

/// What top-k is held against.
void scale(std::vector<float>& values, float factor) {
  float* const to = values.data();
  const auto count = static_cast<std::int64_t>(values.size());
#pragma omp parallel for simd schedule(static)
  for (std::int64_t i = 0; i < count; ++i) to[i] *= factor;
}

/// Values that are larger than the caches of any processor go through them.
void empty_caches() {
  static std::vector<float> others(std::size_t{128} << 20);
  scale(others, 0.5f);
}

void BM_TopK(benchmark::State& state) {
  const std::int64_t rows = state.range(0), columns = state.range(1);
  const int threads = omp_get_max_threads();
  std::vector<float> fresh(static_cast<std::size_t>(rows * columns)), values = fresh;
  std::mt19937 engine(1);
  std::normal_distribution<float> normal;
  for (float& v : fresh) v = normal(engine);
  std::vector<std::uint32_t> kept(static_cast<std::size_t>(rows * ((columns + 31) / 32)));
  const std::int64_t stride = (columns + 15) / 16 * 16;
  std::vector<float> sums(static_cast<std::size_t>(columns)), partials(static_cast<std::size_t>(threads * 2 * stride));
  lacuna::StepScalars scalars;
  scalars.kept_units = static_cast<float>(state.range(2));
  const lacuna::cpu::TopKArgs args{
      values.data(), rows, columns, &scalars, kept.data(), sums.data(), nullptr, {partials.data(), stride}, {},
      threads};
  const auto renew = [&] {
    std::copy(fresh.begin(), fresh.end(), values.begin());
    if (state.range(3) == 1) empty_caches();
  };

  std::vector<double> passes, top_ks, ratios;
  for (auto _ : state) {
    renew();
    auto begin = std::chrono::steady_clock::now();
    scale(values, 0.5f);
    const double pass = milliseconds(begin);
    renew();
    begin = std::chrono::steady_clock::now();
    lacuna::cpu::kernels().top_k(args);
    const double top_k = milliseconds(begin);
    passes.push_back(pass);
    top_ks.push_back(top_k);
    ratios.push_back(top_k / pass);
    state.SetIterationTime(top_k * 1e-3);
  }
  state.counters["pass_ms"] = median(passes);
  state.counters["top_k_ms"] = median(top_ks);
  state.counters["ratio"] = median(ratios);
  state.counters["threads"] = threads;
}

BENCHMARK(BM_TopK)
    ->ArgNames({"rows", "columns", "k", "memory"})
    ->Args({4096, 1000, 25, 1})
    ->Args({4096, 1000, 100, 1})
    ->Args({4096, 1000, 25, 0})
    ->Args({4096, 1000, 100, 0})
    ->Args({100, 1000, 25, 0})
    ->Iterations(100)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

void BM_ConvolutionalStep(benchmark::State& state) {
  using lacuna::Activation;
  const std::int64_t batch = state.range(0);
  const auto backend = lacuna::make_cpu_backend(omp_get_max_threads());
  const lacuna::Dataset data = lacuna::bench::digits(60'000 / batch * batch);
  lacuna::Model model(
      lacuna::Network::convolutional({{1, 28, 28, 16, 3, 2, 1}, {16, 14, 14, 32, 3, 2, 1}, {32, 7, 7, 64, 7, 1, 0}},
                                     Activation::relu, Activation::relu));
  lacuna::initialize(model, {}, 1);
  lacuna::TrainerOptions options;
  options.batch = batch;
  options.objective = {.loss = lacuna::Loss::squared,
                       .reduction = lacuna::Reduction::element,
                       .sparsity = lacuna::Sparsity::l1,
                       .l1 = 0.005,
                       .weight_decay = 0.0};
  lacuna::Trainer trainer(*backend, model, data, options);
  constexpr int kWarmUp = 20;
  for (int i = 0; i < kWarmUp; ++i) trainer.run_within_epoch(1);

  std::vector<double> steps;
  for (auto _ : state) {
    const auto begin = std::chrono::steady_clock::now();
    trainer.run_within_epoch(1);
    steps.push_back(milliseconds(begin));
    state.SetIterationTime(steps.back() * 1e-3);
  }
  state.counters["step_ms"] = median(steps);
  state.counters["threads"] = omp_get_max_threads();
}

BENCHMARK(BM_ConvolutionalStep)->Arg(100)->Iterations(100)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
