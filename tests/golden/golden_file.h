#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "lacuna/tensor.h"

namespace lacuna::test {

/// How closely the reference must agree with PyTorch in float64.
constexpr double kBound = 1e-12;

/// The tensors of a golden file, flat, by name.
using Tensors = std::map<std::string, std::vector<double>>;
Tensors golden(const std::string& name);
/// Their shapes.
std::map<std::string, Shape> golden_shapes(const std::string& name);

/// ||value - expected|| / ||expected||; 0 if both are zero.
double relative_error(std::span<const double> value, std::span<const double> expected);

}  // namespace lacuna::test
