#pragma once

#include "lacuna/network.h"

namespace lacuna {

/// Whether the input or the output of one sample has 2^31 values or more: Convolution::inputs() and outputs() could
/// overflow. To be asked of extents that others chose, before these.
bool too_many_values(const Convolution& convolution);

}  // namespace lacuna
