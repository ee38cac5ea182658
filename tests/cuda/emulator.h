#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "device/launch.h"
#include "lacuna/backend.h"
#include "runtime/control.h"

namespace lacuna::test {

/// The emulated machine as new before each test, and nothing of it left over after.
class Emulator : public testing::Test {
 protected:
  Emulator() {
    simt::reset();
    simt::set_schedule({});
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
