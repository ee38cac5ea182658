#include "train/lbfgs.h"

#include <algorithm>
#include <cmath>

#include "lacuna/error.h"

namespace lacuna {

namespace {

/// A pair is of use if <s, y> is above this times <y, y>: the inverse Hessian must stay positive.
constexpr double kLeastCurvature = 0x1p-52;

std::size_t index(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

}  // namespace

LbfgsBasis::LbfgsBasis(std::int64_t slots) : slots_(slots), products_(index(size() * size())) {}

void LbfgsBasis::set_rows(std::int64_t slot, const std::vector<double>& rows) {
  LACUNA_EXPECTS(rows.size() == index(3 * size()), "three rows of products");
  const std::int64_t of[] = {slot, slots_ + slot, size() - 1};
  for (std::int64_t r = 0; r < 3; ++r)
    for (std::int64_t j = 0; j < size(); ++j)
      products_[index(of[r] * size() + j)] = products_[index(j * size() + of[r])] = rows[index(r * size() + j)];
}

double LbfgsBasis::product(const std::vector<double>& coefficients, std::int64_t j) const {
  double sum = 0;
  for (std::int64_t i = 0; i < size(); ++i) sum += coefficients[index(i)] * at(i, j);
  return sum;
}

std::vector<double> LbfgsBasis::direction(const std::vector<std::int64_t>& order) const {
  std::vector<double> result(index(size()), 0.0), along(index(slots_), 0.0);
  result.back() = -1.0;
  if (order.empty()) return result;
  for (auto slot = order.rbegin(); slot != order.rend(); ++slot) {
    along[index(*slot)] = product(result, *slot) / curvature(*slot);
    result[index(slots_ + *slot)] -= along[index(*slot)];
  }
  const double scale = curvature(order.back()) / squared_change(order.back());
  for (double& coefficient : result) coefficient *= scale;
  for (std::int64_t slot : order)
    result[index(slot)] += along[index(slot)] - product(result, slots_ + slot) / curvature(slot);
  return result;
}

Lbfgs::Lbfgs(LbfgsVectors& vectors, const LbfgsOptions& options)
    : vectors_(vectors), options_(options), basis_(vectors.slots()) {
  LACUNA_EXPECTS(vectors.slots() > 1, "a slot for a pair and one for the next");
}

double Lbfgs::objective() {
  if (known_) return value_.objective;
  vectors_.begin_line(std::vector<double>(index(basis_.size()), 0.0));
  value_ = vectors_.evaluate(0);
  for (std::int64_t slot : order()) basis_.set_rows(slot, vectors_.pair_products(slot));
  known_ = true;
  return value_.objective;
}

bool Lbfgs::iterate() {
  objective();
  if (state_.evaluations == 0) state_.evaluations = 1;
  if (state_.end != LbfgsEnd::none || ends()) return false;
  if (!search() && !search_again()) {
    state_.end = LbfgsEnd::stuck;
    return false;
  }
  take_pair();
  ends();
  return true;
}

bool Lbfgs::ends() {
  const double least = options_.tolerance * std::abs(value_.objective);
  const double gradient = std::sqrt(value_.squared_gradient);
  // Half the slope is what a quadratic objective would lose in a whole step.
  const double promised = state_.pairs > 0 ? -0.5 * basis_.slope(basis_.direction(order())) : 0;
  if (gradient <= least || (promised > 0 && promised <= least)) state_.end = LbfgsEnd::converged;
  return state_.end != LbfgsEnd::none;
}

bool Lbfgs::search_again() {
  if (state_.pairs == 0) return false;
  state_.pairs = state_.next = 0;
  return search();
}

bool Lbfgs::search() {
  const std::vector<double> coefficients = basis_.direction(order());
  const bool steepest = state_.pairs == 0;
  const double slope = steepest ? -value_.squared_gradient : basis_.slope(coefficients);
  if (!(slope < 0) || !std::isfinite(slope)) return false;
  vectors_.begin_line(coefficients);
  double last = 0;
  const auto evaluate = [&](double step) {
    ++state_.evaluations;
    value_ = vectors_.evaluate(last = step);
    return LinePoint{step, value_.objective, value_.slope};
  };
  const double first = steepest ? std::min(1.0, 1.0 / std::sqrt(value_.squared_gradient)) : 1.0;
  const LinePoint found = search_line({0, value_.objective, slope}, first, options_.line, evaluate);
  if (last != found.step) evaluate(found.step);
  return found.step > 0;
}

void Lbfgs::take_pair() {
  basis_.set_rows(state_.next, vectors_.take_pair(state_.next));
  if (!(basis_.curvature(state_.next) > kLeastCurvature * basis_.squared_change(state_.next))) return;
  state_.next = (state_.next + 1) % vectors_.slots();
  state_.pairs = std::min(state_.pairs + 1, vectors_.slots() - 1);
}

std::vector<std::int64_t> Lbfgs::order() const {
  std::vector<std::int64_t> slots;
  for (std::int64_t age = state_.pairs; age > 0; --age)
    slots.push_back((state_.next - age + vectors_.slots()) % vectors_.slots());
  return slots;
}

void Lbfgs::restore(const State& state) {
  LACUNA_EXPECTS(state.next >= 0 && state.next < vectors_.slots() && state.pairs >= 0 && state.pairs < vectors_.slots(),
                 "pairs lie in slots, and one is left");
  state_ = state;
  known_ = false;
}

}  // namespace lacuna
