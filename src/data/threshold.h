#pragma once

#include "lacuna/data.h"

namespace lacuna::data {

/// A copy in which values of at least 1/2 (bytes from 128 on) are 1 and all others 0. NaN stays NaN, to be refused.
Dataset threshold(const Dataset& data);

}  // namespace lacuna::data
