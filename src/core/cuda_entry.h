#pragma once

#include <memory>

#include "lacuna/backend.h"

// What the CUDA backend offers to the rest; no_cuda.cpp stands in for it in builds without CUDA.

namespace lacuna::cuda {

/// Devices found, or in `missing` why there is none.
DeviceList list();
/// Throws InputError saying why there is no such device and what to do.
std::unique_ptr<Backend> make_backend(int index, const BackendOptions& options);

}  // namespace lacuna::cuda
