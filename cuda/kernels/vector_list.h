#pragma once

#include <algorithm>

#include "kernels/kernels.h"
#include "lacuna/error.h"

namespace lacuna::cuda {

/// Addresses of vectors as a kernel's argument.
struct VectorList {
  const float* at[kMostVectors];
};

inline VectorList vector_list(const std::vector<const float*>& first, const std::vector<const float*>& second = {}) {
  LACUNA_EXPECTS(first.size() + second.size() <= kMostVectors, "too many vectors for one operation");
  VectorList list{};
  std::copy(second.begin(), second.end(), std::copy(first.begin(), first.end(), list.at));
  return list;
}

}  // namespace lacuna::cuda
