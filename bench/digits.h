#pragma once

#include "lacuna/data.h"

namespace lacuna::bench {

/// MNIST where it is at hand, else drawn digits: which values are zero matters to the step, so noise will not do.
inline Dataset digits(std::int64_t rows) {
  const Dataset all = mnist_available() ? open_dataset("mnist") : synthetic_digits(60'000);
  return all.first(rows);
}

}  // namespace lacuna::bench
