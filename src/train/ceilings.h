#pragma once

#include <cstdint>

#include "lacuna/backend.h"

namespace lacuna {

/// What a device can do at best, measured through plans of one operation: the same code as a step's.
struct Ceilings {
  double flop_per_second = 0;    ///< of the largest dense product that was tried, in the backend's precision
  double bytes_per_second = 0;   ///< read and written by a copy
  double operation_seconds = 0;  ///< of an operation that has nothing to do
  std::int64_t product = 0;      ///< extent of that product's square operands
};

/// Takes some tens of milliseconds. `copied_bytes`: how much the copy reads and writes; small ones stay in caches.
Ceilings measure_ceilings(Backend& backend, double copied_bytes);

}  // namespace lacuna
