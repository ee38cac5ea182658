// How the speed of training on the CPU grows with the batch, the hidden units and the data set: one picture for each,
// and the figures as JSON beside it.
//
//   bench_scaling batch|hidden|samples DIRECTORY     DIRECTORY/scaling-CURVE.svg and .json
//
// The main job (KL-sparse autoencoder of MNIST's size, half-squared/sample, Adam). A point is the median of steps for
// about a second, and beside it that of the step's five bare matrix products by turns in the same process, as in
// bench_step.

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "cpu_products.h"
#include "digits.h"
#include "gpu/measure.h"
#include "io/atomic_file.h"
#include "lacuna/backend.h"
#include "lacuna/error.h"
#include "lacuna/trainer.h"
#include "report/chart.h"

namespace lacuna::bench {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kFeatures = 784;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

struct Point {
  double step = 0, products = 0;  ///< seconds
};

Point measure(Backend& backend, const Dataset& data, std::int64_t batch, std::int64_t hidden) {
  constexpr double kSeconds = 1.2;
  Model model(Network::autoencoder(kFeatures, {hidden}));
  initialize(model, {}, 1);
  TrainerOptions options;
  options.batch = batch;
  Trainer trainer(backend, model, data.first(std::max<std::int64_t>(1, data.rows() / batch) * batch), options);
  Products products(batch, kFeatures, hidden);
  std::vector<double> steps, bare;
  const auto pair = [&] {
    auto begin = Clock::now();
    trainer.run_within_epoch(1);
    steps.push_back(seconds_since(begin));
    begin = Clock::now();
    products.run();
    bare.push_back(seconds_since(begin));
  };
  constexpr int kWarmUp = 10;
  for (int i = 0; i < kWarmUp; ++i) pair();
  steps.clear();
  bare.clear();
  for (const auto begin = Clock::now(); seconds_since(begin) < kSeconds || steps.size() < 15;) pair();
  return {median(steps), median(bare)};
}

/// One picture.
struct Curve {
  std::string name, title, x_label;
  std::vector<double> x = {};
  std::vector<report::Series> series = {};
  nlohmann::ordered_json figures = nlohmann::ordered_json::array();

  void add(const std::string& label, double at, std::int64_t batch, std::int64_t hidden, const Point& point) {
    const auto samples = static_cast<double>(batch);
    add_to(label, at, samples / point.step);
    add_to(label + ", bare products", at, samples / point.products);
    figures.push_back({{"batch", batch},
                       {"hidden", hidden},
                       {x_label, at},
                       {"step_ms", 1e3 * point.step},
                       {"products_ms", 1e3 * point.products},
                       {"samples_per_second", samples / point.step}});
    fmt::print("{} {}: {:.3f} ms a step, {:.3f} ms of bare products, {:.0f} samples/s\n", label, at, 1e3 * point.step,
               1e3 * point.products, samples / point.step);
    std::fflush(stdout);
  }

 private:
  void add_to(const std::string& label, double at, double value) {
    for (report::Series& one : series)
      if (one.name == label) {
        one.x.push_back(at);
        one.y.push_back(value);
        return;
      }
    series.push_back({label, {at}, {value}});
  }
};

Curve by_batch(Backend& backend) {
  Curve curve{"batch", "Samples per second by batch", "batch"};
  const Dataset data = digits(60'000);
  for (const std::int64_t hidden : {200, 500})
    for (const std::int64_t batch : {10, 20, 50, 100, 200, 500, 1000, 2000, 5000})
      curve.add(fmt::format("{} units", hidden), static_cast<double>(batch), batch, hidden,
                measure(backend, data, batch, hidden));
  return curve;
}

Curve by_hidden(Backend& backend) {
  Curve curve{"hidden", "Samples per second by hidden units", "hidden units"};
  const Dataset data = digits(60'000);
  for (const std::int64_t batch : {100, 1000})
    for (const std::int64_t hidden : {25, 50, 100, 200, 500, 1000, 2000})
      curve.add(fmt::format("batch {}", batch), static_cast<double>(hidden), batch, hidden,
                measure(backend, data, batch, hidden));
  return curve;
}

/// The digits again and again: what a step costs does not depend on whether they differ.
Dataset repeated(const Dataset& data, std::int64_t rows) {
  std::vector<std::int64_t> indices(static_cast<std::size_t>(rows));
  for (std::int64_t i = 0; i < rows; ++i) indices[static_cast<std::size_t>(i)] = i % data.rows();
  return data.select(indices);
}

Curve by_samples(Backend& backend) {
  Curve curve{"samples", "Samples per second by size of the data set", "samples in the data set"};
  const Dataset data = digits(60'000);
  for (const std::int64_t batch : {100, 1000})
    for (const std::int64_t samples : {1000, 3000, 10'000, 30'000, 60'000, 200'000, 600'000, 1'500'000})
      curve.add(fmt::format("batch {}", batch), static_cast<double>(samples), batch, 200,
                measure(backend, samples <= data.rows() ? data.first(samples) : repeated(data, samples), batch, 200));
  return curve;
}

report::Chart chart_of(const Curve& curve) {
  report::Chart chart;
  chart.title = curve.title;
  chart.x_label = curve.x_label;
  chart.y_label = "samples per second";
  chart.series = curve.series;
  chart.logarithmic = chart.logarithmic_x = true;
  chart.legend = true;
  chart.legend_values = false;
  chart.width = 760;
  chart.height = 420;
  return chart;
}

int run(const std::string& name, const std::string& directory) {
  std::filesystem::create_directories(directory);
  const auto backend = make_cpu_backend();
  Curve curve;
  if (name == "batch") curve = by_batch(*backend);
  if (name == "hidden") curve = by_hidden(*backend);
  if (name == "samples") curve = by_samples(*backend);
  if (curve.name.empty()) throw InputError(fmt::format("there is no curve {}: batch, hidden or samples", name));
  const DeviceDescription device = backend->describe();
  nlohmann::ordered_json json{{"processor", device.name}};
  for (const auto& [key, value] : device.properties) json[key] = value;
  json["points"] = curve.figures;
  const std::string path = fmt::format("{}/scaling-{}", directory, name);
  io::write_text_file(path + ".json", json.dump(1) + "\n");
  io::write_text_file(path + ".svg", report::svg_file(chart_of(curve)));
  return 0;
}

}  // namespace

}  // namespace lacuna::bench

int main(int argc, char** argv) try {
  if (argc != 3) throw lacuna::InputError("usage: bench_scaling batch|hidden|samples DIRECTORY");
  return lacuna::bench::run(argv[1], argv[2]);
} catch (const lacuna::InputError& error) {
  fmt::print(stderr, "bench_scaling: {}\n", error.what());
  return 2;
} catch (const std::exception& error) {
  fmt::print(stderr, "bench_scaling: {}\n", error.what());
  return 1;
}
