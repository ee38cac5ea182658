// One training step of the main job (KL-sparse autoencoder, half-squared/sample, Adam) against the sum of its bare
// matrix products, both in this process, alternating, so that the machine's noise meets both alike.
//
// Counters: step_ms and floor_ms are medians; ratio is the median of the pairwise ratios. The five products use the
// step's shapes, transposes and order, on their own buffers.

#include <benchmark/benchmark.h>
#include <omp.h>

#include <chrono>
#include <vector>

#include "clock.h"
#include "cpu_products.h"
#include "digits.h"
#include "lacuna/backend.h"
#include "lacuna/trainer.h"

namespace {

using lacuna::bench::median;
using lacuna::bench::milliseconds;
using lacuna::bench::Products;
constexpr std::int64_t kFeatures = 784;
constexpr int kWarmUp = 30;

void BM_TrainingStep(benchmark::State& state) {
  const std::int64_t batch = state.range(0), hidden = state.range(1);
  const auto backend = lacuna::make_cpu_backend();
  const lacuna::Dataset data = lacuna::bench::digits(60'000 / batch * batch);
  lacuna::Model model(lacuna::Network::autoencoder(kFeatures, {hidden}));
  lacuna::initialize(model, {}, 1);
  lacuna::TrainerOptions options;
  options.batch = batch;
  lacuna::Trainer trainer(*backend, model, data, options);
  Products floor(batch, kFeatures, hidden);
  for (int i = 0; i < kWarmUp; ++i) {
    trainer.run_within_epoch(1);
    floor.run();
  }

  std::vector<double> steps, floors, ratios;
  for (auto _ : state) {
    auto begin = std::chrono::steady_clock::now();
    trainer.run_within_epoch(1);
    const double step = milliseconds(begin);
    begin = std::chrono::steady_clock::now();
    floor.run();
    const double bare = milliseconds(begin);
    steps.push_back(step);
    floors.push_back(bare);
    ratios.push_back(step / bare);
    state.SetIterationTime(step * 1e-3);
  }
  const double step = median(steps);
  state.counters["step_ms"] = step;
  state.counters["floor_ms"] = median(floors);
  state.counters["ratio"] = median(ratios);
  state.counters["samples_per_second"] = static_cast<double>(batch) / (step * 1e-3);
  state.counters["threads"] = omp_get_max_threads();
}

BENCHMARK(BM_TrainingStep)
    ->Args({100, 196})
    ->Args({1000, 200})
    ->Args({1200, 500})
    ->Iterations(250)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
