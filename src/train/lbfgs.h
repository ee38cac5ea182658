#pragma once

#include <cstdint>
#include <vector>

#include "train/line_search.h"

namespace lacuna {

/// The vectors of an L-BFGS run, wherever they live, and the objective J: the point x with its gradient g, both as they
/// were where the line search began (x0, g0), the direction d, and slots for pairs (s, y). The basis is
/// s_0 ... s_{n-1}, y_0 ... y_{n-1}, g for n slots.
class LbfgsVectors {
 public:
  struct Value {
    double objective = 0;
    double slope = 0;             ///< <g, d>
    double squared_gradient = 0;  ///< <g, g>
  };

  virtual ~LbfgsVectors() = default;
  virtual std::int64_t slots() const = 0;
  /// x0 <- x, g0 <- g, d <- sum over i of coefficients[i] * basis[i].
  virtual void begin_line(const std::vector<double>& coefficients) = 0;
  /// x <- x0 + step * d, then J and g there.
  virtual Value evaluate(double step) = 0;
  /// s_slot <- x - x0 and y_slot <- g - g0; the inner products of s_slot, of y_slot and of g with the basis, one row
  /// after the other.
  virtual std::vector<double> take_pair(std::int64_t slot) = 0;
  /// The same products, of a pair that is there already.
  virtual std::vector<double> pair_products(std::int64_t slot) = 0;
};

/// Inner products of the basis, and the direction that they give.
class LbfgsBasis {
 public:
  explicit LbfgsBasis(std::int64_t slots);
  std::int64_t size() const { return 2 * slots_ + 1; }

  /// Rows of s_slot, y_slot and g, as LbfgsVectors::take_pair() returns them.
  void set_rows(std::int64_t slot, const std::vector<double>& rows);
  /// <s, y> and <y, y> of a slot.
  double curvature(std::int64_t slot) const { return at(slot, slots_ + slot); }
  double squared_change(std::int64_t slot) const { return at(slots_ + slot, slots_ + slot); }

  /// Coefficients of -H g in the basis, H being the inverse Hessian that the pairs in `order`, oldest first, stand for:
  /// the two-loop recursion with vectors replaced by their coefficients (Chen, Wang and Zhou, Large-scale L-BFGS using
  /// MapReduce, NIPS 2014). Without pairs -g.
  std::vector<double> direction(const std::vector<std::int64_t>& order) const;
  /// <g, sum of coefficients[i] * basis[i]>.
  double slope(const std::vector<double>& coefficients) const { return product(coefficients, size() - 1); }

 private:
  double at(std::int64_t i, std::int64_t j) const { return products_[static_cast<std::size_t>(i * size() + j)]; }
  double product(const std::vector<double>& coefficients, std::int64_t j) const;

  std::int64_t slots_;
  std::vector<double> products_;  // [size(), size()]
};

struct LbfgsOptions {
  /// The run ends when a step promises a decrease of less than this share of J.
  double tolerance = 1e-9;
  /// Relative rounding error of J: that of a float.
  LineSearchOptions line = {.rounding = 0x1p-23};
};

/// Why no further step can be made.
enum class LbfgsEnd : std::uint8_t {
  none,       ///< it can
  converged,  ///< no step promises a decrease worth the name
  stuck,      ///< not even the steepest descent finds one: the arithmetic resolves no more
};

/// Limited-memory BFGS (Nocedal 1980; Liu and Nocedal 1989), one iteration at a time.
class Lbfgs {
 public:
  /// What a run needs to go on with the same bits, beside x and the pairs in their slots.
  struct State {
    std::int64_t pairs = 0;  ///< taken from the slots before `next`, cyclically
    std::int64_t next = 0;   ///< the slot that the next pair goes to
    std::int64_t evaluations = 0;
    LbfgsEnd end = LbfgsEnd::none;
  };

  Lbfgs(LbfgsVectors& vectors, const LbfgsOptions& options);

  /// Evaluates J where x stands, unless that is known.
  double objective();
  /// Moves x to the end of one line search. False if no step can be made; then x stays and end() says why.
  bool iterate();
  LbfgsEnd end() const { return state_.end; }
  const State& state() const { return state_; }
  /// Slots that hold pairs, oldest first.
  std::vector<std::int64_t> order() const;
  /// Goes on from there: x and the pairs must be in place.
  void restore(const State& state);

 private:
  bool ends();
  /// One line search. False if it found no lower point: then x is where it was.
  bool search();
  /// The same along the steepest descent, all pairs forgotten. False if that was it already.
  bool search_again();
  void take_pair();

  LbfgsVectors& vectors_;
  LbfgsOptions options_;
  LbfgsBasis basis_;
  State state_;
  bool known_ = false;  // whether value_ belongs to x
  LbfgsVectors::Value value_;
};

}  // namespace lacuna
