// A training step of the main job in fp32 and one in bf16, alternating in this process, on processors that have bf16.
// fp32_ms and bf16_ms are medians; gain is the median of the pairwise ratios of the first to the second.

#include <benchmark/benchmark.h>
#include <omp.h>

#include <memory>

#include "clock.h"
#include "cpu/gemm_bf16.h"
#include "digits.h"
#include "lacuna/backend.h"
#include "lacuna/trainer.h"

namespace {

using lacuna::bench::median;
using lacuna::bench::milliseconds;
constexpr int kWarmUp = 30;

/// The same job on a backend of its own.
struct Job {
  Job(const lacuna::Model& model, const lacuna::Dataset& data, std::int64_t batch, lacuna::Precision precision)
      : backend(lacuna::make_backend("cpu", {.precision = precision})) {
    lacuna::TrainerOptions options;
    options.batch = batch;
    trainer = std::make_unique<lacuna::Trainer>(*backend, model, data, options);
    trainer->run_within_epoch(kWarmUp);
  }
  double step() const {
    const auto begin = std::chrono::steady_clock::now();
    trainer->run_within_epoch(1);
    return milliseconds(begin);
  }
  std::unique_ptr<lacuna::Backend> backend;
  std::unique_ptr<lacuna::Trainer> trainer;
};

void BM_Precision(benchmark::State& state) {
  if (const std::string why = lacuna::cpu::why_no_bf16(); !why.empty()) return state.SkipWithError(why.c_str());
  const std::int64_t batch = state.range(0), hidden = state.range(1);
  const lacuna::Dataset data = lacuna::bench::digits(60'000 / batch * batch);
  lacuna::Model model(lacuna::Network::autoencoder(784, {hidden}));
  lacuna::initialize(model, {}, 1);
  const Job fp32(model, data, batch, lacuna::Precision::fp32), bf16(model, data, batch, lacuna::Precision::bf16);
  std::vector<double> fp32_ms, bf16_ms, gains;
  for (auto _ : state) {
    fp32_ms.push_back(fp32.step());
    bf16_ms.push_back(bf16.step());
    gains.push_back(fp32_ms.back() / bf16_ms.back());
    state.SetIterationTime(bf16_ms.back() * 1e-3);
  }
  state.counters["fp32_ms"] = median(fp32_ms);
  state.counters["bf16_ms"] = median(bf16_ms);
  state.counters["gain"] = median(gains);
  state.counters["threads"] = omp_get_max_threads();
}

BENCHMARK(BM_Precision)
    ->Args({100, 196})
    ->Args({1000, 200})
    ->Args({1200, 500})
    ->Iterations(250)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
