// How the speed of training on the CPU grows with the batch, the hidden units and the data set: one picture for each,
// and the figures as JSON beside it.
//
//   bench_scaling batch|hidden|samples DIRECTORY     DIRECTORY/scaling-CURVE.svg and .json
//
// The main job (KL-sparse autoencoder of MNIST's size, half-squared/sample, Adam). A point is the median of steps for
// some tenths of a second, the least of five rounds over all points: what else the machine's host does comes and goes
// for minutes. Beside it stands the same of the step's five bare matrix products, by turns in the same process, as in
// bench_step.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "clock.h"
#include "cpu_products.h"
#include "digits.h"
#include "io/atomic_file.h"
#include "lacuna/backend.h"
#include "lacuna/error.h"
#include "lacuna/trainer.h"
#include "report/chart.h"

namespace lacuna::bench {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kFeatures = 784;

struct Point {
  double step = 0, products = 0;  ///< seconds
};

Point measure(Backend& backend, const Dataset& data, std::int64_t batch, std::int64_t hidden) {
  constexpr double kSeconds = 0.4;
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
    steps.push_back(1e-3 * milliseconds(begin));
    begin = Clock::now();
    products.run();
    bare.push_back(1e-3 * milliseconds(begin));
  };
  constexpr int kWarmUp = 10;
  for (int i = 0; i < kWarmUp; ++i) pair();
  steps.clear();
  bare.clear();
  for (const auto begin = Clock::now(); 1e-3 * milliseconds(begin) < kSeconds || steps.size() < 15;) pair();
  return {median(steps), median(bare)};
}

/// What a point is measured at.
struct Place {
  std::string label;
  double at = 0;
  std::int64_t batch = 0, hidden = 0;
  std::int64_t samples = 60'000;
};

/// One picture.
struct Curve {
  std::string name, title, x_label;
  std::vector<double> x = {};
  std::vector<report::Series> series = {};
  nlohmann::ordered_json figures = nlohmann::ordered_json::array();

  void add(const Place& place, const Point& point) {
    const auto samples = static_cast<double>(place.batch);
    add_to(place.label, place.at, samples / point.step);
    add_to(place.label + ", bare products", place.at, samples / point.products);
    figures.push_back({{"batch", place.batch},
                       {"hidden", place.hidden},
                       {x_label, place.at},
                       {"step_ms", 1e3 * point.step},
                       {"products_ms", 1e3 * point.products},
                       {"samples_per_second", samples / point.step}});
    fmt::print("{} {}: {:.3f} ms a step, {:.3f} ms of bare products, {:.0f} samples/s\n", place.label, place.at,
               1e3 * point.step, 1e3 * point.products, samples / point.step);
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

/// The digits again and again: what a step costs does not depend on whether they differ.
Dataset repeated(const Dataset& data, std::int64_t rows) {
  std::vector<std::int64_t> indices(static_cast<std::size_t>(rows));
  for (std::int64_t i = 0; i < rows; ++i) indices[static_cast<std::size_t>(i)] = i % data.rows();
  return data.select(indices);
}

std::vector<Place> by_batch() {
  std::vector<Place> places;
  for (const std::int64_t hidden : {200, 500})
    for (const std::int64_t batch : {10, 20, 50, 100, 200, 500, 1000, 2000, 5000})
      places.push_back({fmt::format("{} units", hidden), static_cast<double>(batch), batch, hidden});
  return places;
}

std::vector<Place> by_hidden() {
  std::vector<Place> places;
  for (const std::int64_t batch : {100, 1000})
    for (const std::int64_t hidden : {25, 50, 100, 200, 500, 1000, 2000})
      places.push_back({fmt::format("batch {}", batch), static_cast<double>(hidden), batch, hidden});
  return places;
}

std::vector<Place> by_samples() {
  std::vector<Place> places;
  for (const std::int64_t batch : {100, 1000})
    for (const std::int64_t samples : {1000, 3000, 10'000, 30'000, 60'000, 200'000, 600'000, 1'500'000})
      places.push_back({fmt::format("batch {}", batch), static_cast<double>(samples), batch, 200, samples});
  return places;
}

void measure_all(Backend& backend, const std::vector<Place>& places, Curve& curve) {
  constexpr int kRounds = 5;
  const Dataset data = digits(60'000);
  std::vector<Point> best(places.size(), {1e9, 1e9});
  for (int round = 0; round < kRounds; ++round)
    for (std::size_t i = 0; i < places.size(); ++i) {
      const Place& place = places[i];
      const Point point =
          measure(backend, place.samples <= data.rows() ? data.first(place.samples) : repeated(data, place.samples),
                  place.batch, place.hidden);
      best[i] = {std::min(best[i].step, point.step), std::min(best[i].products, point.products)};
    }
  for (std::size_t i = 0; i < places.size(); ++i) curve.add(places[i], best[i]);
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
  std::filesystem::create_directories(directory);  // before the minutes that measuring takes
  const auto backend = make_cpu_backend();
  Curve curve;
  if (name == "batch") {
    curve = {"batch", "Samples per second by batch", "batch"};
    measure_all(*backend, by_batch(), curve);
  } else if (name == "hidden") {
    curve = {"hidden", "Samples per second by hidden units", "hidden units"};
    measure_all(*backend, by_hidden(), curve);
  } else if (name == "samples") {
    curve = {"samples", "Samples per second by size of the data set", "samples in the data set"};
    measure_all(*backend, by_samples(), curve);
  } else {
    throw InputError(fmt::format("there is no curve {}: batch, hidden or samples", name));
  }
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
