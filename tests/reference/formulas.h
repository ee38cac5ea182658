#pragma once

#include <cstdint>
#include <vector>

#include "lacuna/network.h"
#include "lacuna/objective.h"
#include "lacuna/optimizer.h"

// The scalar formulas of docs/math.md, in double precision and by the standard library's functions.

namespace lacuna::reference {

double activate(Activation activation, double a);
/// Derivative at pre-activation a. relu'(0) = 0.
double activation_slope(Activation activation, double a);

/// What the sum of the element losses is multiplied by.
double reduction_scale(Reduction reduction, std::int64_t samples, std::int64_t features);
/// Loss of one element: target x, output y = activation(a).
double element_loss(Loss loss, double x, double y, double a);
/// Its derivative with respect to a.
double element_slope(Loss loss, Activation activation, double x, double y, double a);

/// KL(rho || mean), the mean clipped to [2^-20, 1 - 2^-20].
double kl(double mean, double rho);
/// Its derivative with respect to the mean; 0 where it is clipped.
double kl_slope(double mean, double rho);

/// e^z_j / sum_k e^z_k, for finite z of moderate size.
std::vector<double> softmax(const std::vector<double>& z);
/// -log softmax(z)[label]; its derivative with respect to z is softmax(z) - onehot(label).
double cross_entropy(const std::vector<double>& z, std::size_t label);

/// Which k of the row are its largest: among equals the first ones; NaN is larger than every number.
std::vector<bool> largest(const std::vector<double>& row, std::int64_t k);

/// What the learning rate is multiplied by in step `step`, counted from 1.
double schedule_factor(const Schedule& schedule, std::int64_t step);

/// -1, 0 or 1.
double sign(double v);

}  // namespace lacuna::reference
