#include "train/evaluation_sums.h"

#include <algorithm>
#include <numeric>

namespace lacuna {

ActiveUnits::ActiveUnits(const Layer& code)
    : positions_(static_cast<std::size_t>(code.positions())), active_(static_cast<std::size_t>(code.channels()), 0) {}

bool ActiveUnits::countable(const Layer& code) {
  return code.activation == Activation::relu || code.kept > 0;
}

void ActiveUnits::add(const float* codes, std::int64_t rows) {
  samples_ += rows;
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t& active : active_) {
      for (std::size_t p = 0; p < positions_; ++p) active += codes[p] != 0.0f ? 1 : 0;
      codes += positions_;
    }
}

double ActiveUnits::l0() const {
  const std::int64_t active = std::accumulate(active_.begin(), active_.end(), std::int64_t{0});
  return static_cast<double>(active) / (static_cast<double>(samples_) * static_cast<double>(positions_));
}

std::int64_t ActiveUnits::dead() const {
  return std::ranges::count(active_, 0);
}

ExplainedVariance::ExplainedVariance(std::int64_t features)
    : means_(static_cast<std::size_t>(features), 0.0), squares_(means_), errors_(means_) {}

void ExplainedVariance::add(const float* samples, const float* reconstructions, std::int64_t rows) {
  const std::size_t features = means_.size();
  double *const means = means_.data(), *const squares = squares_.data(), *const errors = errors_.data();
  for (std::int64_t i = 0; i < rows; ++i) {
    const double share = 1.0 / static_cast<double>(++samples_);
    for (std::size_t j = 0; j < features; ++j) {
      const auto x = static_cast<double>(samples[j]);
      const double error = x - static_cast<double>(reconstructions[j]), step = x - means[j];
      means[j] += share * step;
      squares[j] += step * (x - means[j]);
      errors[j] += error * error;
    }
    samples += features;
    reconstructions += features;
  }
}

std::optional<double> ExplainedVariance::value() const {
  const double variance = std::accumulate(squares_.begin(), squares_.end(), 0.0);
  // Of equal samples every step but the first is exactly 0, and so is this.
  if (variance == 0) return std::nullopt;
  return 1.0 - std::accumulate(errors_.begin(), errors_.end(), 0.0) / variance;
}

}  // namespace lacuna
