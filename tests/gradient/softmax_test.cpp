// The derivative of the cross-entropy of a softmax, by sixth-order central differences as in central_differences.h.

#include <gtest/gtest.h>

#include <cmath>

#include "reference/formulas.h"
#include "support/random.h"

namespace lacuna::test {
namespace {

constexpr double kStep = 0x1p-7;

double numeric_slope(std::vector<double> z, std::size_t label, std::size_t at) {
  const double centre = z[at];
  const auto difference = [&](double offset) {
    z[at] = centre + offset;
    const double above = reference::cross_entropy(z, label);
    z[at] = centre - offset;
    return above - reference::cross_entropy(z, label);
  };
  const double first = difference(kStep), second = difference(2 * kStep), third = difference(3 * kStep);
  return (45.0 * first - 9.0 * second + third) / (60.0 * kStep);
}

TEST(SoftmaxGradient, AgreesWithCentralDifferences) {
  Random random(7);
  for (std::size_t classes : {2u, 3u, 10u, 33u}) {
    std::vector<double> z;
    for (std::size_t j = 0; j < classes; ++j) z.push_back(random.uniform(-3, 3));
    const std::size_t label = classes / 2;
    std::vector<double> slope = reference::softmax(z);
    slope[label] -= 1.0;
    double difference = 0.0, sum = 0.0;
    for (std::size_t j = 0; j < classes; ++j) {
      const double numeric = numeric_slope(z, label, j);
      difference += std::pow(numeric - slope[j], 2);
      sum += std::pow(numeric + slope[j], 2);
    }
    EXPECT_LT(std::sqrt(difference / sum), 1e-9) << classes << " classes";
  }
}

}  // namespace
}  // namespace lacuna::test
