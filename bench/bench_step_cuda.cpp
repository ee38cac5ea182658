// One training step of the main job (KL-sparse autoencoder, half-squared/sample, Adam) on the GPU against the sum of
// its bare matrix products, by turns in one process. training_step/BATCHxHIDDEN/ENGINE/PRECISION; an engine that cannot
// run a case says why as its error.
//
// A step is timed as it is used: whole epochs through the trainer, losses read back, on the host's clock. The products
// (the step's shapes, transposes and order, on their own operands) are captured and replayed as the step is, and timed
// by events. Counters: step_ms and floor_ms are medians; ratio is the median of the pairwise ratios.
//
// products/BATCHxHIDDEN/PRECISION: steps of the graph engine with its products as measured (--products measured)
// against steps with cuBLAS's own, by turns; step_ms and default_ms are medians, ratio is that of the pairwise ratios.
//
// models_at_once/8/BATCHxHIDDEN/HOW: the same for several models that are trained at once: by graphs of their own, by
// graphs of them all with one call for each product (batched), or each resident on its share of the multiprocessors;
// step_ms is that of one model. step_graph/...: the steps alone, by events, in each way of putting
// them into graphs.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <thread>
#include <vector>

#include "clock.h"
#include "digits.h"
#include "gpu/graph_variants.h"
#include "gpu/operands.h"
#include "gpu/program.h"
#include "gpu/replay.h"
#include "lacuna/backend.h"
#include "lacuna/error.h"
#include "lacuna/trainer.h"
#include "libs/cublas.h"
#include "runtime/check.h"

namespace lacuna::bench {

namespace {

using cuda::Transpose;

constexpr std::int64_t kFeatures = 784;
constexpr int kEpochs = 15;

struct Size {
  std::int64_t batch, hidden;
};
constexpr Size kSizes[] = {{100, 64}, {100, 196}, {1000, 200}, {1200, 500}, {4096, 4096}};
constexpr Engine kEngines[] = {Engine::graph, Engine::resident};
constexpr Precision kPrecisions[] = {Precision::fp32, Precision::tf32, Precision::bf16};

struct Case {
  Size size;
  Engine engine;
  Precision precision;
  bool measured = false;  // products
};

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
  /// Of float32 operands: beside a step in bf16 stand products in TF32.
  Floor(std::int64_t m, std::int64_t d, std::int64_t h, Precision precision)
      : memory_(bytes(m, d, h), "the operands of the products"),
        cublas_(stream_.get(), precision == Precision::fp32 ? Precision::fp32 : Precision::tf32) {
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

/// Milliseconds of a step and of its products.
struct Times {
  std::vector<double> steps, floors, ratios;

  void add(double step, double floor) {
    steps.push_back(step);
    floors.push_back(floor);
    ratios.push_back(step / floor);
  }
  void report(benchmark::State& state, const Size& size) const {
    const double step = median(steps);
    state.counters["step_ms"] = step;
    state.counters["floor_ms"] = median(floors);
    state.counters["ratio"] = median(ratios);
    state.counters["samples_per_second"] = static_cast<double>(size.batch) / (step * 1e-3);
  }
};

/// The first rows of digits that are read once.
Dataset first_digits(std::int64_t rows) {
  static const Dataset all = digits(60'000);
  return all.first(rows);
}

/// A training run of one case, with a backend of its own.
struct Training {
  Training(const Case& c, int device)
      : backend(make_backend(fmt::format("cuda:{}", device),
                             {.precision = c.precision, .engine = c.engine, .products = {c.measured, {}}})),
        data(first_digits(60'000 / c.size.batch * c.size.batch)),
        trainer(*backend, model_of(c.size), data, options_of(c.size)) {}

  static Model model_of(const Size& size) {
    Model model(Network::autoencoder(kFeatures, {size.hidden}));
    initialize(model, {}, 1);
    return model;
  }
  static TrainerOptions options_of(const Size& size) {
    TrainerOptions options;
    options.batch = size.batch;
    return options;
  }

  std::unique_ptr<Backend> backend;
  Dataset data;
  Trainer trainer;
};

void training_step(benchmark::State& state, const Case& c, int device) {
  const Size& size = c.size;
  Training training(c, device);
  Trainer& trainer = training.trainer;
  const Floor floor(size.batch, kFeatures, size.hidden, c.precision);
  const auto steps = static_cast<int>(trainer.steps_per_epoch());
  epoch_milliseconds(trainer);
  floor.milliseconds(steps);

  Times times;
  for (auto _ : state) {
    times.add(epoch_milliseconds(trainer) / steps, floor.milliseconds(steps) / steps);
    state.SetIterationTime(times.steps.back() * 1e-3);
  }
  times.report(state, size);
}

/// The products in the label are those that are not cuBLAS's own.
void products(benchmark::State& state, Case c, int device) {
  Training usual(c, device);
  c.measured = true;
  Training measured(c, device);
  const auto steps = static_cast<int>(usual.trainer.steps_per_epoch());
  for (Training* each : {&usual, &measured}) epoch_milliseconds(each->trainer);

  Times times;
  for (auto _ : state) {
    const double by_default = epoch_milliseconds(usual.trainer) / steps;
    times.add(epoch_milliseconds(measured.trainer) / steps, by_default);
    state.SetIterationTime(times.steps.back() * 1e-3);
  }
  state.counters["step_ms"] = median(times.steps);
  state.counters["default_ms"] = median(times.floors);
  state.counters["ratio"] = median(times.ratios);
  state.SetLabel(to_string(ProductOptions{.measured = false, .algorithms = measured.trainer.products()}));
}

constexpr int kModels = 8;

int multiprocessors(int device) {
  int count = 0;
  LACUNA_CUDA(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device));
  return count;
}

/// How a sweep trains its models.
enum class AtOnce : std::uint8_t { graph, batched, resident };
constexpr const char* kAtOnce[] = {"graph", "batched", "resident"};

BackendOptions in_a_sweep(AtOnce how, int device) {
  BackendOptions options;
  options.engine = how == AtOnce::resident ? Engine::resident : Engine::graph;
  if (how == AtOnce::resident) options.multiprocessors = multiprocessors(device) / kModels;
  if (how == AtOnce::batched) {
    options.products.batched = true;
    options.group = make_backend(fmt::format("cuda:{}", device))->make_group();
  }
  return options;
}

/// Several models trained at once, as a sweep does it: each has a backend and a host thread of its own, all have the
/// same data. step_ms is the time of all divided by the models, floor_ms that of the products of one model alone.
void models_at_once(benchmark::State& state, const Size& size, AtOnce how, int device) {
  const BackendOptions as_in_a_sweep = in_a_sweep(how, device);
  const Dataset data = first_digits(60'000 / size.batch * size.batch);
  std::vector<std::unique_ptr<Backend>> backends;
  std::vector<std::unique_ptr<Trainer>> trainers;
  for (int i = 0; i < kModels; ++i) {
    Model model(Network::autoencoder(kFeatures, {size.hidden}));
    initialize(model, {}, static_cast<std::uint64_t>(i));
    TrainerOptions options;
    options.batch = size.batch;
    backends.push_back(make_backend(fmt::format("cuda:{}", device), as_in_a_sweep));
    trainers.push_back(std::make_unique<Trainer>(*backends.back(), model, data, options));
  }
  const Floor floor(size.batch, kFeatures, size.hidden, Precision::fp32);
  const auto steps = static_cast<int>(trainers.front()->steps_per_epoch());
  const auto all_milliseconds = [&trainers] {
    const auto begin = std::chrono::steady_clock::now();
    {
      std::vector<std::jthread> threads;
      for (const auto& trainer : trainers) threads.emplace_back([&trainer] { epoch_milliseconds(*trainer); });
    }
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  };
  all_milliseconds();
  floor.milliseconds(steps);

  Times times;
  for (auto _ : state) {
    times.add(all_milliseconds() / (steps * kModels), floor.milliseconds(steps) / steps);
    state.SetIterationTime(times.steps.back() * 1e-3);
  }
  times.report(state, size);
}

void add_models_at_once(const Size& size, AtOnce how, int device) {
  const std::string name = fmt::format("models_at_once/{}/{}x{}/{}", kModels, size.batch, size.hidden,
                                       kAtOnce[static_cast<std::size_t>(how)]);
  benchmark::RegisterBenchmark(name.c_str(),
                               [=](benchmark::State& state) {
                                 try {
                                   models_at_once(state, size, how, device);
                                 } catch (const InputError& error) {
                                   state.SkipWithError(error.what());
                                 }
                               })
      ->Iterations(kEpochs)
      ->UseManualTime()
      ->Unit(benchmark::kMillisecond);
}

void add_training_step(const Case& c, int device) {
  const std::string name = fmt::format("training_step/{}x{}/{}/{}", c.size.batch, c.size.hidden, to_string(c.engine),
                                       to_string(c.precision));
  benchmark::RegisterBenchmark(name.c_str(),
                               [=](benchmark::State& state) {
                                 try {
                                   training_step(state, c, device);
                                 } catch (const InputError& error) {
                                   state.SkipWithError(error.what());
                                 }
                               })
      ->Iterations(kEpochs)
      ->UseManualTime()
      ->Unit(benchmark::kMillisecond);
}

void add_products(const Size& size, Precision precision, int device) {
  const std::string name = fmt::format("products/{}x{}/{}", size.batch, size.hidden, to_string(precision));
  benchmark::RegisterBenchmark(name.c_str(),
                               [=](benchmark::State& state) {
                                 products(state, {size, Engine::graph, precision}, device);
                               })
      ->Iterations(kEpochs)
      ->UseManualTime()
      ->Unit(benchmark::kMillisecond);
}

void step_graph(benchmark::State& state, const Size& size, int device, const GraphVariant& variant) {
  const Dataset data = first_digits(60'000 / size.batch * size.batch);
  Model model(Network::autoencoder(kFeatures, {size.hidden}));
  initialize(model, {}, 1);
  TrainerOptions options;
  options.batch = size.batch;
  const GraphSteps graphs(device, model, data, options, variant);
  const Floor floor(size.batch, kFeatures, size.hidden, Precision::fp32);
  const auto steps = static_cast<int>(data.rows() / size.batch);
  graphs.milliseconds(steps);
  floor.milliseconds(steps);

  Times times;
  for (auto _ : state) {
    times.add(graphs.milliseconds(steps), floor.milliseconds(steps) / steps);
    state.SetIterationTime(times.steps.back() * 1e-3);
  }
  times.report(state, size);
}

void add_benchmarks(int device) {
  for (const Size& size : kSizes)
    for (const Engine engine : kEngines)
      for (const Precision precision : kPrecisions) add_training_step({size, engine, precision}, device);
  for (const Size& size : kSizes)
    for (const Precision precision : kPrecisions) add_products(size, precision, device);
  constexpr Size kSmall{100, 64}, kLarge{1200, 500};
  for (const AtOnce how : {AtOnce::graph, AtOnce::batched, AtOnce::resident}) add_models_at_once(kSmall, how, device);
  for (const AtOnce how : {AtOnce::graph, AtOnce::batched}) add_models_at_once(kLarge, how, device);
  for (const GraphVariant& variant : graph_variants())
    benchmark::RegisterBenchmark(
        fmt::format("step_graph/{}x{}/{}", kSizes[0].batch, kSizes[0].hidden, variant.name).c_str(),
        [=](benchmark::State& state) { step_graph(state, kSizes[0], device, variant); })
        ->Iterations(kEpochs)
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond);
}

}  // namespace

}  // namespace lacuna::bench

int main(int argc, char** argv) {
  return lacuna::bench::run_on_gpu(argc, argv, lacuna::bench::add_benchmarks);
}
