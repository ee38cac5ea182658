#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "lacuna/network.h"

namespace lacuna {

/// Which units of a code are active, counted over the samples of a data set. A unit is active where its value is not 0,
/// and a unit of a convolutional code is a channel, active at some of its positions.
class ActiveUnits {
 public:
  explicit ActiveUnits(const Layer& code);

  /// Whether a unit of this code can be off: relu and k-sparse codes hold exact zeros, the others none but by accident.
  static bool countable(const Layer& code);

  /// codes [rows, Layer::outputs].
  void add(const float* codes, std::int64_t rows);
  /// Mean number of active units, over the samples and the positions (the "L0" of a code).
  double l0() const;
  /// Units that have been active nowhere.
  std::int64_t dead() const;

 private:
  std::size_t positions_;
  std::vector<std::int64_t> active_;  // values other than 0 of each unit
  std::int64_t samples_ = 0;
};

/// 1 - sum ||x - y||^2 / sum ||x - mean(x)||^2 over samples x and their reconstructions y, both sums over all samples
/// and features. In double, in one pass, sample after sample, so that it is the same in whatever parts they come: the
/// mean and the squared distances from it are updated as by B. P. Welford, "Note on a method for calculating corrected
/// sums of squares and products", Technometrics 4, 1962.
class ExplainedVariance {
 public:
  explicit ExplainedVariance(std::int64_t features);

  /// samples, reconstructions [rows, features].
  void add(const float* samples, const float* reconstructions, std::int64_t rows);
  /// Nothing where all samples are equal: there is no variance to explain.
  std::optional<double> value() const;

 private:
  std::vector<double> means_, squares_, errors_;  // of each feature: the mean, and sums of (x - mean)^2 and (x - y)^2
  std::int64_t samples_ = 0;
};

}  // namespace lacuna
