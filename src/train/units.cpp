#include "train/units.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "io/atomic_file.h"
#include "lacuna/trainer.h"

namespace lacuna {

namespace {

constexpr std::size_t kBins = 50;

struct Range {
  double low = 0, high = 0;
};

/// Sums of each unit's activations, and how far activations reach. Zero is always within.
Range add_up(Evaluator& evaluator, std::vector<double>& sums) {
  Range range;
  evaluator.encode([&](const float* codes, std::int64_t rows) {
    for (std::int64_t i = 0; i < rows; ++i)
      for (double& sum : sums) {
        const double value = *codes++;
        sum += value;
        range.low = std::min(range.low, value);
        range.high = std::max(range.high, value);
      }
  });
  return range;
}

std::vector<double> edges_of(const Range& range) {
  std::vector<double> edges;
  for (std::size_t i = 0; i <= kBins; ++i)
    edges.push_back(range.low + (range.high - range.low) * static_cast<double>(i) / static_cast<double>(kBins));
  return edges;
}

std::vector<double> histogram(Evaluator& evaluator, std::size_t units, const Range& range) {
  std::vector<double> counts(kBins, 0.0);
  const double scale = static_cast<double>(kBins) / (range.high - range.low);
  evaluator.encode([&](const float* codes, std::int64_t rows) {
    for (const float* end = codes + static_cast<std::size_t>(rows) * units; codes != end; ++codes) {
      const double bin = (static_cast<double>(*codes) - range.low) * scale;
      if (std::isfinite(bin)) ++counts[static_cast<std::size_t>(std::clamp(bin, 0.0, static_cast<double>(kBins - 1)))];
    }
  });
  return counts;
}

}  // namespace

UnitActivity measure_units(Backend& backend, const Model& model, const Dataset& data, std::int64_t most_samples) {
  const Dataset samples = data.first(most_samples);
  const auto units = static_cast<std::size_t>(model.network.code_units());
  Evaluator evaluator(backend, model, samples);
  UnitActivity activity;
  activity.means.assign(units, 0.0);
  Range range = add_up(evaluator, activity.means);
  for (double& mean : activity.means) mean /= static_cast<double>(samples.rows());
  if (model.network.code_layer().activation == Activation::sigmoid) range = {0, 1};
  if (!(range.high > range.low) || !std::isfinite(range.high - range.low)) range = {0, 1};
  activity.edges = edges_of(range);
  activity.counts = histogram(evaluator, units, range);
  return activity;
}

void write_units(const std::string& directory, const UnitActivity& activity, std::optional<double> rho) {
  nlohmann::ordered_json json;
  json["rho"] = rho ? nlohmann::ordered_json(*rho) : nlohmann::ordered_json(nullptr);
  json["unit_means"] = activity.means;
  json["activation_histogram"] = {{"edges", activity.edges}, {"counts", activity.counts}};
  io::write_text_file(directory + "/units.json", json.dump() + "\n");
}

}  // namespace lacuna
