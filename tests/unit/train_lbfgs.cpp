#include <gtest/gtest.h>

#include <cmath>

#include "support/host_vectors.h"
#include "support/random.h"

namespace lacuna {
namespace {

using test::dot;
using test::HostVectors;
using Function = test::HostFunction;
using test::Vector;

Vector random_vector(test::Random& random, std::size_t size) {
  Vector values(size);
  for (double& value : values) value = random.normal(1.0);
  return values;
}

/// The two-loop recursion on vectors, as in Nocedal and Wright, algorithm 7.4.
Vector two_loop(const std::vector<Vector>& s, const std::vector<Vector>& y, Vector q) {
  Vector along(s.size());
  for (std::size_t i = s.size(); i-- > 0;) {
    along[i] = dot(s[i], q) / dot(s[i], y[i]);
    for (std::size_t k = 0; k < q.size(); ++k) q[k] -= along[i] * y[i][k];
  }
  for (double& value : q) value *= dot(s.back(), y.back()) / dot(y.back(), y.back());
  for (std::size_t i = 0; i < s.size(); ++i) {
    const double across = dot(y[i], q) / dot(s[i], y[i]);
    for (std::size_t k = 0; k < q.size(); ++k) q[k] += (along[i] - across) * s[i][k];
  }
  for (double& value : q) value = -value;
  return q;
}

TEST(LbfgsBasis, GivesTheDirectionOfTheTwoLoopRecursion) {
  test::Random random(1);
  constexpr std::size_t kSize = 40, kSlots = 4;
  std::vector<Vector> basis;
  for (std::size_t i = 0; i < 2 * kSlots + 1; ++i) basis.push_back(random_vector(random, kSize));
  for (std::size_t i = 0; i < kSlots; ++i)  // <s, y> must be positive
    for (std::size_t k = 0; k < kSize; ++k) basis[kSlots + i][k] = 0.1 * basis[kSlots + i][k] + 2.0 * basis[i][k];
  LbfgsBasis products(kSlots);
  for (std::size_t slot = 0; slot < kSlots; ++slot) {
    Vector rows;
    for (std::size_t left : {slot, kSlots + slot, 2 * kSlots})
      for (const Vector& right : basis) rows.push_back(dot(basis[left], right));
    products.set_rows(static_cast<std::int64_t>(slot), rows);
  }
  for (const std::vector<std::int64_t>& order :
       {std::vector<std::int64_t>{0}, {2}, {0, 1, 2}, {3, 0, 1}, {2, 3, 0, 1}}) {
    std::vector<Vector> s, y;
    for (std::int64_t slot : order) {
      s.push_back(basis[static_cast<std::size_t>(slot)]);
      y.push_back(basis[kSlots + static_cast<std::size_t>(slot)]);
    }
    const Vector expected = two_loop(s, y, basis.back());
    const Vector coefficients = products.direction(order);
    Vector got(kSize, 0.0);
    for (std::size_t i = 0; i < basis.size(); ++i)
      for (std::size_t k = 0; k < kSize; ++k) got[k] += coefficients[i] * basis[i][k];
    for (std::size_t k = 0; k < kSize; ++k)
      EXPECT_NEAR(got[k], expected[k], 1e-12 * std::sqrt(dot(expected, expected)));
    EXPECT_NEAR(products.slope(coefficients), dot(basis.back(), expected), 1e-12 * dot(expected, expected));
  }
}

double rosenbrock(const Vector& x, Vector& g) {
  double value = 0;
  g.assign(x.size(), 0.0);
  for (std::size_t i = 0; i + 1 < x.size(); i += 2) {
    const double a = 1.0 - x[i], b = x[i + 1] - x[i] * x[i];
    value += a * a + 100.0 * b * b;
    g[i] = -2.0 * a - 400.0 * x[i] * b;
    g[i + 1] = 200.0 * b;
  }
  return value;
}

Vector rosenbrock_start(std::size_t size) {
  Vector start;
  while (start.size() < size) start.insert(start.end(), {-1.2, 1.0});
  return start;
}

/// sum over i of c_i (x_i - 1)^2 / 2 - 5, c from 1 to `condition`.
Function quadratic(double condition) {
  return [condition](const Vector& x, Vector& g) {
    double value = -5.0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double c = std::pow(condition, static_cast<double>(i) / static_cast<double>(x.size() - 1));
      g[i] = c * (x[i] - 1.0);
      value += 0.5 * g[i] * (x[i] - 1.0);
    }
    return value;
  };
}

int iterate_to(Lbfgs& lbfgs, double objective, int most) {
  int iterations = 0;
  while (iterations < most && lbfgs.objective() > objective && lbfgs.iterate()) ++iterations;
  return iterations;
}

/// How many evaluations L-BFGS-B of SciPy 1.17 takes from the same start to the same value, without bounds.
struct Race {
  Function objective;
  Vector start;
  std::int64_t history;
  double goal;
  std::int64_t scipy;
};

TEST(LbfgsRuns, NeedAboutAsManyEvaluationsAsSciPy) {
  const std::vector<Race> races{{rosenbrock, rosenbrock_start(2), 10, 1e-14, 45},
                                {rosenbrock, rosenbrock_start(100), 10, 1e-14, 49},
                                {quadratic(1e3), Vector(30, 0.0), 1, -5 + 1e-9, 293},
                                {quadratic(1e3), Vector(30, 0.0), 10, -5 + 1e-9, 189},
                                {quadratic(1e3), Vector(30, 0.0), 30, -5 + 1e-9, 139}};
  for (const Race& race : races) {
    HostVectors vectors(race.objective, race.start, race.history);
    Lbfgs lbfgs(vectors, {.tolerance = 0});
    iterate_to(lbfgs, race.goal, 1000);
    EXPECT_LE(lbfgs.objective(), race.goal);
    EXPECT_LE(static_cast<double>(lbfgs.state().evaluations), 1.05 * static_cast<double>(race.scipy));
    for (double value : vectors.x) EXPECT_NEAR(value, 1.0, 1e-3);
  }
}

TEST(LbfgsRuns, EndWhenThereIsNothingLeftToGain) {
  HostVectors vectors(quadratic(1e4), Vector(50, 0.0), 10);
  Lbfgs lbfgs(vectors, {.tolerance = 1e-14});
  while (lbfgs.iterate()) {
  }
  EXPECT_EQ(lbfgs.end(), LbfgsEnd::converged);
  EXPECT_NEAR(lbfgs.objective(), -5.0, 1e-11);
}

TEST(LbfgsRuns, NeverGoUp) {
  HostVectors vectors(rosenbrock, rosenbrock_start(20), 3);
  Lbfgs lbfgs(vectors, {.line = {.rounding = 0}});
  double before = lbfgs.objective();
  for (int i = 0; i < 40 && lbfgs.iterate(); ++i) {
    EXPECT_LT(lbfgs.objective(), before);
    before = lbfgs.objective();
  }
}

TEST(LbfgsRuns, KeepAwayFromWhatIsNotFinite) {
  // Newton's steps from the right overshoot into the logarithm of a negative number.
  const auto barrier = [](const Vector& x, Vector& g) {
    g[0] = 1.0 - 1e-3 / x[0];
    return x[0] - 1e-3 * std::log(x[0]);
  };
  HostVectors vectors(barrier, {1.0}, 5);
  Lbfgs lbfgs(vectors, {});
  while (lbfgs.iterate()) ASSERT_TRUE(std::isfinite(lbfgs.objective()));
  EXPECT_EQ(lbfgs.end(), LbfgsEnd::converged);
  EXPECT_NEAR(vectors.x[0], 1e-3, 1e-6);
}

TEST(LbfgsRuns, EndAtAMinimumWithoutAStep) {
  HostVectors vectors(quadratic(10), Vector(4, 1.0), 5);
  Lbfgs lbfgs(vectors, {});
  EXPECT_FALSE(lbfgs.iterate());
  EXPECT_EQ(lbfgs.end(), LbfgsEnd::converged);
  EXPECT_EQ(vectors.x, Vector(4, 1.0));
  EXPECT_EQ(lbfgs.state().evaluations, 1);
}

TEST(LbfgsRuns, GetStuckWhereNoStepHelpsAndStayThere) {
  // A gradient of the wrong sign.
  const auto wrong = [](const Vector& x, Vector& g) {
    g[0] = -x[0];
    return x[0] * x[0];
  };
  HostVectors vectors(wrong, {2.0}, 5);
  Lbfgs lbfgs(vectors, {});
  EXPECT_FALSE(lbfgs.iterate());
  EXPECT_EQ(lbfgs.end(), LbfgsEnd::stuck);
  EXPECT_EQ(vectors.x, Vector{2.0});
  EXPECT_EQ(lbfgs.objective(), 4.0);
}

TEST(LbfgsRuns, ForgetPairsThatMisleadAndGoOnAlongTheSteepestDescent) {
  HostVectors vectors(quadratic(100), Vector(5, 0.0), 5);
  Lbfgs lbfgs(vectors, {});
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(lbfgs.iterate());
  // With s turned round, <s, y> is negative and the direction leads uphill.
  const Lbfgs::State state = lbfgs.state();
  for (std::int64_t slot : lbfgs.order())
    for (double& value : vectors.pairs[static_cast<std::size_t>(slot)]) value = -value;
  Lbfgs misled(vectors, {});
  misled.restore(state);
  const double before = misled.objective();
  ASSERT_TRUE(misled.iterate());
  EXPECT_LT(misled.objective(), before);
  EXPECT_EQ(misled.state().pairs, 1);
}

TEST(LbfgsRuns, TakeNoPairWithoutCurvature) {
  const auto linear = [](const Vector& x, Vector& g) {
    g[0] = -1.0;
    return -x[0];
  };
  HostVectors vectors(linear, {1.0}, 5);
  Lbfgs lbfgs(vectors, {});
  EXPECT_TRUE(lbfgs.iterate());
  EXPECT_EQ(lbfgs.state().pairs, 0);
  EXPECT_TRUE(lbfgs.order().empty());
}

TEST(LbfgsRuns, GoOnWithTheSameBits) {
  for (int before : {0, 3, 25}) {
    HostVectors whole(rosenbrock, rosenbrock_start(30), 4);
    Lbfgs uninterrupted(whole, {});
    for (int i = 0; i < before; ++i) ASSERT_TRUE(uninterrupted.iterate());
    HostVectors other(rosenbrock, whole.x, 4);
    other.pairs = whole.pairs;
    Lbfgs resumed(other, {});
    resumed.restore(uninterrupted.state());
    for (int i = 0; i < 8; ++i) {
      ASSERT_TRUE(uninterrupted.iterate());
      ASSERT_TRUE(resumed.iterate());
      EXPECT_EQ(whole.x, other.x) << before << " + " << i;
    }
    EXPECT_EQ(uninterrupted.state().evaluations, resumed.state().evaluations);
  }
}

}  // namespace
}  // namespace lacuna
