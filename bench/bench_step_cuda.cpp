// One training step of the main job (KL-sparse autoencoder, half-squared/sample, Adam) on the GPU against the sum of
// its bare matrix products, by turns in one process.
//
// A step is timed as it is used: whole epochs through the trainer, losses read back, on the host's clock. The products
// (the step's shapes, transposes and order, on their own operands) are captured and replayed as the step is, and timed
// by events. Counters: step_ms and floor_ms are medians; ratio is the median of the pairwise ratios.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <chrono>
#include <optional>

#include "digits.h"
#include "gpu/measure.h"
#include "gpu/operands.h"
#include "gpu/program.h"
#include "gpu/replay.h"
#include "lacuna/backend.h"
#include "lacuna/trainer.h"
#include "libs/cublas.h"

namespace lacuna::bench {

namespace {

using cuda::Transpose;

constexpr std::int64_t kFeatures = 784;
constexpr int kEpochs = 15;

struct Size {
  std::int64_t batch, hidden;
};
constexpr Size kSizes[] = {{100, 196}, {1000, 200}, {1200, 500}, {4096, 4096}};

/// The five products of a step on M samples, D features and H units.
struct ProductOperands {
  float *x, *w1, *code, *w2, *out, *dw1, *dw2, *delta;

  ProductOperands(Operands& from, std::int64_t m, std::int64_t d, std::int64_t h)
      : x(from.unit(m * d)),
        w1(from.around_zero(h * d)),
        code(from.unit(m * h)),
        w2(from.around_zero(d * h)),
        out(from.around_zero(m * d)),
        dw1(from.unit(h * d)),
        dw2(from.unit(d * h)),
        delta(from.around_zero(m * h)) {}
};

class Floor {
 public:
  Floor(std::int64_t m, std::int64_t d, std::int64_t h)
      : memory_(bytes(m, d, h), "the operands of the products"), cublas_(stream_.get()) {
    Operands pieces(memory_.get(), true);
    const ProductOperands p(pieces, m, d, h);
    LACUNA_CUDA(cudaDeviceSynchronize());
    replay_.emplace(stream_, [&] {
      cublas_.gemm_row_major(Transpose::no, Transpose::yes, m, h, d, p.x, p.w1, p.code);
      cublas_.gemm_row_major(Transpose::no, Transpose::yes, m, d, h, p.code, p.w2, p.out);
      cublas_.gemm_row_major(Transpose::yes, Transpose::no, d, h, m, p.out, p.code, p.dw2);
      cublas_.gemm_row_major(Transpose::no, Transpose::no, m, h, d, p.out, p.w2, p.delta);
      cublas_.gemm_row_major(Transpose::yes, Transpose::no, h, d, m, p.delta, p.x, p.dw1);
    });
  }

  double milliseconds(int times) const { return 1e3 * replay_->seconds(times); }

 private:
  static std::int64_t bytes(std::int64_t m, std::int64_t d, std::int64_t h) {
    Operands counted;
    ProductOperands(counted, m, d, h);
    return counted.taken();
  }

  cuda::DeviceMemory memory_;
  cuda::Stream stream_;
  cuda::Cublas cublas_;
  std::optional<Replay> replay_;
};

/// Of one epoch, to the last loss read back.
double epoch_milliseconds(Trainer& trainer) {
  const auto begin = std::chrono::steady_clock::now();
  trainer.run_within_epoch(trainer.steps_per_epoch());
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

void training_step(benchmark::State& state, const Size& size, int device) {
  const auto backend = make_backend(fmt::format("cuda:{}", device));
  const Dataset data = digits(60'000 / size.batch * size.batch);
  Model model(Network::autoencoder(kFeatures, {size.hidden}));
  initialize(model, {}, 1);
  TrainerOptions options;
  options.batch = size.batch;
  Trainer trainer(*backend, model, data, options);
  const Floor floor(size.batch, kFeatures, size.hidden);
  const auto steps = static_cast<int>(trainer.steps_per_epoch());
  epoch_milliseconds(trainer);
  floor.milliseconds(steps);

  std::vector<double> step_times, floors, ratios;
  for (auto _ : state) {
    step_times.push_back(epoch_milliseconds(trainer) / steps);
    floors.push_back(floor.milliseconds(steps) / steps);
    ratios.push_back(step_times.back() / floors.back());
    state.SetIterationTime(step_times.back() * 1e-3);
  }
  const double step = median(step_times);
  state.counters["step_ms"] = step;
  state.counters["floor_ms"] = median(floors);
  state.counters["ratio"] = median(ratios);
  state.counters["samples_per_second"] = static_cast<double>(size.batch) / (step * 1e-3);
}

void add_benchmarks(int device) {
  for (const Size& size : kSizes)
    benchmark::RegisterBenchmark(fmt::format("training_step/{}x{}", size.batch, size.hidden).c_str(),
                                 [=](benchmark::State& state) { training_step(state, size, device); })
        ->Iterations(kEpochs)
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond);
}

}  // namespace

}  // namespace lacuna::bench

int main(int argc, char** argv) {
  return lacuna::bench::run_on_gpu(argc, argv, lacuna::bench::add_benchmarks);
}
