#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "reference/autoencoder.h"

namespace lacuna::test {

using Gradients = std::vector<std::vector<double>>;

/// dJ by sixth-order central differences, for every parameter: with d_n = J(+n s) - J(-n s) and s = 2^-7,
/// (45 d_1 - 9 d_2 + d_3) / 60 s. Truncation is s^6 J^(7) / 140, about 2e-15 J^(7); rounding about 1e-16 J / s, which
/// is 1e-14 J. Measured over all cases the worst error is 1.8e-10; twice or half the step, or fourth order, are worse.
///
/// Nothing if one of the points lies on the other side of a kink than the centre: J is not smooth there, and the
/// formula would measure something else. Kinks are the zeros of a relu's pre-activation and, with L1, of the code, and
/// where a k-sparse code keeps other units.
std::optional<Gradients> central_differences(const reference::Autoencoder& network, const Objective& objective,
                                             const reference::Matrix& x, const reference::Given& given = {});

/// A network at a random point that has no kink within reach of the differences, and where every parameter tensor
/// matters.
struct Point {
  reference::Autoencoder network;
  reference::Matrix x;
  Gradients numeric;
};
/// Found by drawing again until there is one. Throws std::runtime_error if there seems to be none.
Point smooth_point(const Network& shape, const Objective& objective, std::int64_t samples,
                   const reference::Given& given = {});

/// ||numeric - g|| / ||numeric + g||, the largest over the parameter tensors. NaN if a tensor of both is all zero.
double gradient_error(const Gradients& numeric, const Gradients& analytic);

}  // namespace lacuna::test
