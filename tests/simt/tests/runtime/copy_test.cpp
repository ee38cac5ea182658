#include <array>

#include "support.h"

namespace simt_test {
namespace {

class Copy : public RuntimeTest {};

TEST_F(Copy, GoesInEveryDirection) {
  const std::array<float, 4> source{1, 2, 3, 4};
  std::array<float, 4> target{};
  float* first = device_floats(4);
  float* second = device_floats(4);
  simt::reset_counters();
  ASSERT_EQ(cudaMemcpy(first, source.data(), 16, cudaMemcpyHostToDevice), cudaSuccess);
  ASSERT_EQ(cudaMemcpy(second, first, 16, cudaMemcpyDeviceToDevice), cudaSuccess);
  ASSERT_EQ(cudaMemcpy(target.data(), second, 16, cudaMemcpyDefault), cudaSuccess);
  EXPECT_EQ(target, source);
  EXPECT_EQ(simt::counters().copies_h2d, 1U);
  EXPECT_EQ(simt::counters().copies_d2d, 1U);
  EXPECT_EQ(simt::counters().copies_d2h, 1U);
  EXPECT_EQ(simt::counters().bytes, 48U);
  EXPECT_EQ(simt::counters().synchronisations, 2U) << "a copy within the device does not wait";
  EXPECT_EQ(cudaMemcpy(target.data(), source.data(), 8, cudaMemcpyHostToHost), cudaSuccess);
}

TEST_F(Copy, RefusesPointersOfTheWrongSide) {
  float host[4] = {};
  float* device = device_floats(4);
  float* pinned = pinned_floats(4);
  EXPECT_EQ(cudaMemcpy(host, pinned, 16, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(device, device, 16, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(device, host, 16, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(host, host + 2, 8, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(device, host, 16, cudaMemcpyDeviceToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(host, device, 16, cudaMemcpyHostToHost), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(host, nullptr, 16, cudaMemcpyDefault), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(host, device, 16, static_cast<cudaMemcpyKind>(7)), cudaErrorInvalidMemcpyDirection);
  EXPECT_EQ(cudaMemset(host, 0, 16), cudaErrorInvalidValue);
  EXPECT_EQ(simt::counters().copies_d2h, 0U);
}

TEST_F(Copy, StaysWithinItsAllocations) {
  float host[8] = {};
  float* device = device_floats(4);
  float* pinned = pinned_floats(4);
  EXPECT_EQ(cudaMemcpy(device, host, 17, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(device + 1, host, 16, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(host, device, 17, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpyAsync(device, pinned + 2, 12, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemset(device, 0, 17), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(device + 1, host, 12, cudaMemcpyHostToDevice), cudaSuccess);
}

TEST_F(Copy, OfNothingIsNothing) {
  EXPECT_EQ(cudaMemcpy(nullptr, nullptr, 0, cudaMemcpyHostToDevice), cudaSuccess);
  EXPECT_EQ(cudaMemset(nullptr, 0, 0), cudaSuccess);
  EXPECT_EQ(simt::counters().copies_h2d + simt::counters().memsets, 0U);
}

TEST_F(Copy, OntoItselfIsAFault) {
  float* device = device_floats(4);
  EXPECT_THROW(cudaMemcpy(device, device + 1, 8, cudaMemcpyDeviceToDevice), simt::Fault);
}

TEST_F(Copy, TakesRowsWithPitch) {
  const std::array<float, 6> source{1, 2, 9, 3, 4, 9};
  float* device = device_floats(8, -1);
  const cudaStream_t stream = new_stream();
  ASSERT_EQ(cudaMemcpy2DAsync(device, 16, source.data(), 12, 8, 2, cudaMemcpyHostToDevice, stream), cudaSuccess);
  std::array<float, 8> target{};
  ASSERT_EQ(cudaMemcpy(target.data(), device, 32, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_EQ(target, (std::array<float, 8>{1, 2, -1, -1, 3, 4, -1, -1}));
  std::array<float, 4> packed{};
  ASSERT_EQ(cudaMemcpy2D(packed.data(), 8, device, 16, 8, 2, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_EQ(packed, (std::array<float, 4>{1, 2, 3, 4}));
  EXPECT_EQ(cudaMemcpy2DAsync(device, 4, source.data(), 12, 8, 2, cudaMemcpyHostToDevice, stream),
            cudaErrorInvalidPitchValue);
  EXPECT_EQ(cudaMemcpy2DAsync(device, 16, source.data(), 12, 8, 3, cudaMemcpyHostToDevice, stream),
            cudaErrorInvalidValue);
  ASSERT_EQ(cudaMemset2DAsync(device, 16, 0, 4, 2, stream), cudaSuccess);
  ASSERT_EQ(cudaMemcpy(target.data(), device, 32, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_EQ(target, (std::array<float, 8>{0, 2, -1, -1, 0, 4, -1, -1}));
}

TEST_F(Copy, FillsBytes) {
  int* device = nullptr;
  ASSERT_EQ(cudaMalloc(&device, 8), cudaSuccess);
  simt::reset_counters();
  ASSERT_EQ(cudaMemset(device, 0x101, 8), cudaSuccess);
  int values[2] = {};
  ASSERT_EQ(cudaMemcpy(values, device, 8, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_EQ(values[1], 0x01010101);
  EXPECT_EQ(simt::counters().memsets, 1U);
  EXPECT_EQ(simt::counters().bytes, 16U);
}

/// When an asynchronous copy reads pageable memory is left open: a program must leave it alone until it has waited.
TEST_F(Copy, FromPageableMemoryReadsItAtOnceOrWhenItRuns) {
  for (const auto execution : {simt::Execution::immediate, simt::Execution::deferred}) {
    simt::reset();
    simt::set_execution(execution);
    const cudaStream_t stream = new_stream();
    float* device = device_floats(1);
    float value = 5;
    ASSERT_EQ(cudaMemcpyAsync(device, &value, 4, cudaMemcpyHostToDevice, stream), cudaSuccess);
    value = 6;
    ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
    EXPECT_EQ(first_of(device), execution == simt::Execution::immediate ? 5 : 6);
    EXPECT_EQ(simt::counters().pageable_copies, 1U);
  }
}

TEST_F(Copy, FromPinnedMemoryReadsItWhenItRuns) {
  simt::set_execution(simt::Execution::deferred);
  const cudaStream_t stream = new_stream();
  float* device = device_floats(1);
  float* value = pinned_floats(1, 5);
  ASSERT_EQ(cudaMemcpyAsync(device, value, 4, cudaMemcpyHostToDevice, stream), cudaSuccess);
  value[0] = 6;
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(first_of(device), 6);
  EXPECT_EQ(simt::counters().pageable_copies, 0U);
}

TEST_F(Copy, IntoPageableMemoryMayWaitOrNot) {
  for (const auto execution : {simt::Execution::immediate, simt::Execution::deferred}) {
    simt::reset();
    simt::set_execution(execution);
    const cudaStream_t stream = new_stream();
    float* device = device_floats(1, 2);
    simt::reset_counters();
    ASSERT_EQ(add(device, 1, 1, stream), cudaSuccess);
    float value = 0;
    ASSERT_EQ(cudaMemcpyAsync(&value, device, 4, cudaMemcpyDeviceToHost, stream), cudaSuccess);
    EXPECT_EQ(value, execution == simt::Execution::immediate ? 3 : 0);
    EXPECT_EQ(simt::counters().synchronisations, 1U);
    ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
    EXPECT_EQ(value, 3);
  }
}

TEST_F(Copy, IntoPinnedMemoryShowsOnlyAfterASynchronisation) {
  // What a program that forgets to wait reads.
  simt::set_execution(simt::Execution::deferred);
  const cudaStream_t stream = new_stream();
  float* device = device_floats(1, 2);
  float* value = pinned_floats(1, -1);
  simt::reset_counters();
  ASSERT_EQ(cudaMemcpyAsync(value, device, 4, cudaMemcpyDeviceToHost, stream), cudaSuccess);
  EXPECT_EQ(value[0], -1);
  EXPECT_EQ(simt::counters().synchronisations, 0U);
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(value[0], 2);
}

}  // namespace
}  // namespace simt_test
