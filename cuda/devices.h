#pragma once

#include "lacuna/backend.h"

namespace lacuna::cuda {

/// Makes device `index` the current one and returns its number of multiprocessors. Throws InputError saying what is
/// missing: the driver, a GPU, this index, or kernels for its architecture.
int use_device(int index);

/// Name, compute capability, memory, driver.
DeviceDescription describe_device(int index);

}  // namespace lacuna::cuda
