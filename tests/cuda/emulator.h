#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "device/launch.h"
#include "engine_choice.h"
#include "lacuna/backend.h"
#include "runtime/control.h"

namespace lacuna::test {

/// Few multiprocessors: kernels fill the device with blocks, and blocks cost time here. More than one, so that there
/// are chunks of rows to be joined.
constexpr simt::Machine kSmall{.multiprocessors = 2};

/// The emulated machine as new before each test, and nothing of it left over after.
class Emulator : public testing::Test {
 protected:
  Emulator() {
    simt::reset();
    simt::set_machine(kSmall);
    simt::set_schedule({});
    // The emulator's clock says nothing about engines.
    cuda::set_step_meter([](Engine engine, const auto&) { return engine == Engine::graph ? 1.0 : 2.0; });
  }
  ~Emulator() override {
    EXPECT_TRUE(simt::live().nothing()) << "something of the device was not released";
    simt::reset();
    simt::set_schedule({});
  }
};

constexpr simt::Schedule kSchedules[] = {
    {simt::Schedule::Order::forward, 0}, {simt::Schedule::Order::reverse, 0}, {simt::Schedule::Order::random, 7}};

}  // namespace lacuna::test
