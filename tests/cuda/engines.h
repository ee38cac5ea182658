#pragma once

#include <memory>

#include "lacuna/backend.h"

namespace lacuna::test {

/// The device that this test program runs on, with one of its engines.
std::unique_ptr<Backend> backend_with(Engine engine, Precision precision = Precision::fp32);

/// Whether that is a GPU, and not the emulator.
bool on_a_device();

}  // namespace lacuna::test
