#pragma once

#include <cstdint>
#include <functional>
#include <numeric>
#include <utility>
#include <vector>

#include "train/lbfgs.h"

namespace lacuna::test {

using Vector = std::vector<double>;

inline double dot(const Vector& a, const Vector& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

/// x and the gradient to J.
using HostFunction = std::function<double(const Vector& x, Vector& gradient)>;

/// The vectors of an L-BFGS run in host memory, in double precision.
class HostVectors final : public LbfgsVectors {
 public:
  HostVectors(HostFunction objective, Vector start, std::int64_t history)
      : x(std::move(start)),
        pairs(static_cast<std::size_t>(2 * history + 2), Vector(x.size())),
        g_(x.size()),
        objective_(std::move(objective)) {}

  Vector x;
  std::vector<Vector> pairs;  // s by slot, then y by slot

  std::int64_t slots() const override { return static_cast<std::int64_t>(pairs.size()) / 2; }
  void begin_line(const Vector& coefficients) override {
    d_.assign(x.size(), 0.0);
    const std::vector<Vector> all = basis();
    for (std::size_t i = 0; i < all.size(); ++i)
      for (std::size_t k = 0; k < x.size(); ++k) d_[k] += coefficients[i] * all[i][k];
    x0_ = x;
    g0_ = g_;
  }
  Value evaluate(double step) override {
    for (std::size_t k = 0; k < x.size(); ++k) x[k] = x0_[k] + step * d_[k];
    const double value = objective_(x, g_);
    return {value, dot(g_, d_), dot(g_, g_)};
  }
  Vector take_pair(std::int64_t slot) override {
    for (std::size_t k = 0; k < x.size(); ++k) {
      pairs[static_cast<std::size_t>(slot)][k] = x[k] - x0_[k];
      pairs[static_cast<std::size_t>(slots() + slot)][k] = g_[k] - g0_[k];
    }
    return pair_products(slot);
  }
  Vector pair_products(std::int64_t slot) override {
    Vector products;
    const std::vector<Vector> all = basis();
    for (const Vector* left :
         {&pairs[static_cast<std::size_t>(slot)], &pairs[static_cast<std::size_t>(slots() + slot)], &g_})
      for (const Vector& right : all) products.push_back(dot(*left, right));
    return products;
  }

 private:
  std::vector<Vector> basis() const {
    std::vector<Vector> all = pairs;
    all.push_back(g_);
    return all;
  }

  Vector x0_, g_, g0_, d_;
  HostFunction objective_;
};

}  // namespace lacuna::test
