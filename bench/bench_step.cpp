// One training step of the main job (KL-sparse autoencoder, half-squared/sample, Adam) against the sum of its bare
// matrix products, both in this process, alternating, so that the machine's noise meets both alike.
//
// Counters: step_ms and floor_ms are medians; ratio is the median of the pairwise ratios. The five products use the
// step's shapes, transposes and order, on their own buffers.

#include <benchmark/benchmark.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "cpu/gemm.h"
#include "digits.h"
#include "lacuna/backend.h"
#include "lacuna/trainer.h"

namespace {

using lacuna::cpu::gemm;
using lacuna::cpu::Transpose;
constexpr std::int64_t kFeatures = 784;
constexpr int kWarmUp = 30;

double milliseconds(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

/// The five products of a step on M samples, D features and H units.
class Floor {
 public:
  Floor(std::int64_t m, std::int64_t d, std::int64_t h)
      : m_(m),
        d_(d),
        h_(h),
        x_(fill(m * d)),
        w1_(fill(h * d)),
        code_(fill(m * h)),
        w2_(fill(d * h)),
        out_(fill(m * d)),
        dw1_(fill(h * d)),
        dw2_(fill(d * h)),
        delta_(fill(m * h)) {}

  void run() {
    gemm(Transpose::no, Transpose::yes, m_, h_, d_, x_.data(), w1_.data(), code_.data());
    gemm(Transpose::no, Transpose::yes, m_, d_, h_, code_.data(), w2_.data(), out_.data());
    gemm(Transpose::yes, Transpose::no, d_, h_, m_, out_.data(), code_.data(), dw2_.data());
    gemm(Transpose::no, Transpose::no, m_, h_, d_, out_.data(), w2_.data(), delta_.data());
    gemm(Transpose::yes, Transpose::no, h_, d_, m_, delta_.data(), x_.data(), dw1_.data());
  }

 private:
  static std::vector<float> fill(std::int64_t count) {
    std::vector<float> values(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = 1e-3f * static_cast<float>(i * 2654435761u % 1000u);
    return values;
  }
  std::int64_t m_, d_, h_;
  std::vector<float> x_, w1_, code_, w2_, out_, dw1_, dw2_, delta_;
};

void BM_TrainingStep(benchmark::State& state) {
  const std::int64_t batch = state.range(0), hidden = state.range(1);
  const auto backend = lacuna::make_cpu_backend();
  const lacuna::Dataset data = lacuna::bench::digits(60'000 / batch * batch);
  lacuna::Model model(lacuna::Network::autoencoder(kFeatures, {hidden}));
  lacuna::initialize(model, {}, 1);
  lacuna::TrainerOptions options;
  options.batch = batch;
  lacuna::Trainer trainer(*backend, model, data, options);
  Floor floor(batch, kFeatures, hidden);
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

int main(int argc, char** argv) {
  const auto device = lacuna::make_cpu_backend()->describe();
  benchmark::AddCustomContext("processor", device.name);
  for (const auto& [key, value] : device.properties) benchmark::AddCustomContext(key, value);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
