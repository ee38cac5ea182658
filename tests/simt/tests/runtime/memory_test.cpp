#include <cmath>
#include <cstdint>
#include <cstring>

#include "support.h"

namespace simt_test {
namespace {

class Memory : public RuntimeTest {};

TEST_F(Memory, IsAlignedAndHoldsNaNAtFirst) {
  float* pointer = nullptr;
  ASSERT_EQ(cudaMalloc(&pointer, 3 * sizeof(float)), cudaSuccess);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(pointer) % 256, 0U);
  float values[3] = {};
  ASSERT_EQ(cudaMemcpy(values, pointer, sizeof values, cudaMemcpyDeviceToHost), cudaSuccess);
  for (const float value : values) EXPECT_TRUE(std::isnan(value));
  EXPECT_EQ(cudaFree(pointer), cudaSuccess);
}

TEST_F(Memory, OfNoBytesIsNull) {
  void* pointer = &pointer;
  EXPECT_EQ(cudaMalloc(&pointer, 0), cudaSuccess);
  EXPECT_EQ(pointer, nullptr);
  EXPECT_EQ(cudaFree(nullptr), cudaSuccess);
  EXPECT_EQ(cudaMalloc(static_cast<void**>(nullptr), 4), cudaErrorInvalidValue);
  EXPECT_EQ(simt::counters().allocations, 0U);
  EXPECT_EQ(simt::counters().frees, 0U);
}

TEST_F(Memory, RunsOutWithoutBreakingTheDevice) {
  simt::set_machine({.device_memory = 1000});
  void* first = nullptr;
  void* second = &second;
  ASSERT_EQ(cudaMalloc(&first, 600), cudaSuccess);
  EXPECT_EQ(cudaMalloc(&second, 401), cudaErrorMemoryAllocation);
  EXPECT_EQ(second, nullptr);
  EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  std::size_t free = 0, total = 0;
  ASSERT_EQ(cudaMemGetInfo(&free, &total), cudaSuccess);
  EXPECT_EQ(free, 400U);
  EXPECT_EQ(total, 1000U);
  EXPECT_EQ(cudaMalloc(&second, 400), cudaSuccess);
  EXPECT_EQ(cudaFree(first), cudaSuccess);
  EXPECT_EQ(cudaMalloc(&first, 600), cudaSuccess);
}

TEST_F(Memory, OfEachDeviceIsItsOwn) {
  simt::set_machine({.devices = 2, .device_memory = 1000});
  void* pointer = nullptr;
  ASSERT_EQ(cudaMalloc(&pointer, 1000), cudaSuccess);
  ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
  ASSERT_EQ(cudaMalloc(&pointer, 1000), cudaSuccess);
  cudaPointerAttributes attributes{};
  ASSERT_EQ(cudaPointerGetAttributes(&attributes, pointer), cudaSuccess);
  EXPECT_EQ(attributes.device, 1);
  EXPECT_EQ(simt::live().device_bytes, 2000U);
}

TEST_F(Memory, IsFreedOnceAndFromItsBeginning) {
  char* pointer = nullptr;
  ASSERT_EQ(cudaMalloc(&pointer, 16), cudaSuccess);
  int local = 0;
  EXPECT_EQ(cudaFree(pointer + 4), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFree(&local), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFreeHost(pointer), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFree(pointer), cudaSuccess);
  EXPECT_EQ(cudaFree(pointer), cudaErrorInvalidValue);
  char* pinned = nullptr;
  ASSERT_EQ(cudaMallocHost(&pinned, 16), cudaSuccess);
  EXPECT_EQ(cudaFree(pinned), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFreeHost(pinned), cudaSuccess);
  EXPECT_EQ(cudaFreeHost(pinned), cudaErrorInvalidValue);
  EXPECT_TRUE(simt::live().nothing());
}

TEST_F(Memory, FailsAsOftenAsATestAsks) {
  simt::fail_allocation(2);
  void* pointer = nullptr;
  EXPECT_EQ(cudaMalloc(&pointer, 4), cudaSuccess);
  EXPECT_EQ(cudaMallocHost(&pointer, 4), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaMalloc(&pointer, 4), cudaSuccess);
  simt::fail_allocation(1);
  EXPECT_EQ(cudaMallocAsync(&pointer, 4, nullptr), cudaErrorMemoryAllocation);
}

TEST_F(Memory, SaysWhereAPointerPoints) {
  char* device = nullptr;
  char* pinned = nullptr;
  char local = 0;
  ASSERT_EQ(cudaMalloc(&device, 16), cudaSuccess);
  ASSERT_EQ(cudaMallocHost(&pinned, 16), cudaSuccess);
  cudaPointerAttributes attributes{};
  ASSERT_EQ(cudaPointerGetAttributes(&attributes, device + 15), cudaSuccess);
  EXPECT_EQ(attributes.type, cudaMemoryTypeDevice);
  EXPECT_EQ(attributes.devicePointer, device + 15);
  EXPECT_EQ(attributes.hostPointer, nullptr);
  ASSERT_EQ(cudaPointerGetAttributes(&attributes, device + 16), cudaSuccess);
  EXPECT_EQ(attributes.type, cudaMemoryTypeUnregistered);
  ASSERT_EQ(cudaPointerGetAttributes(&attributes, pinned), cudaSuccess);
  EXPECT_EQ(attributes.type, cudaMemoryTypeHost);
  EXPECT_EQ(attributes.hostPointer, pinned);
  ASSERT_EQ(cudaPointerGetAttributes(&attributes, &local), cudaSuccess);
  EXPECT_EQ(attributes.type, cudaMemoryTypeUnregistered);
  EXPECT_EQ(attributes.devicePointer, nullptr);
}

TEST_F(Memory, OfTheProgramCanBePinned) {
  std::vector<float> values(8);
  ASSERT_EQ(cudaHostRegister(values.data(), 32, cudaHostRegisterMapped), cudaSuccess);
  EXPECT_EQ(cudaHostRegister(values.data() + 4, 64, 0), cudaErrorHostMemoryAlreadyRegistered);
  EXPECT_EQ(cudaFreeHost(values.data()), cudaErrorInvalidValue);
  float* mapped = nullptr;
  EXPECT_EQ(cudaHostGetDevicePointer(&mapped, values.data(), 0), cudaSuccess);
  EXPECT_EQ(mapped, values.data());
  unsigned flags = 0;
  EXPECT_EQ(cudaHostGetFlags(&flags, values.data()), cudaSuccess);
  EXPECT_EQ(flags, unsigned{cudaHostRegisterMapped});
  EXPECT_EQ(simt::live().pinned_allocations, 1U);
  EXPECT_EQ(cudaHostUnregister(values.data()), cudaSuccess);
  EXPECT_EQ(cudaHostUnregister(values.data()), cudaErrorHostMemoryNotRegistered);
  EXPECT_EQ(cudaHostGetDevicePointer(&mapped, values.data(), 0), cudaErrorInvalidValue);
}

TEST_F(Memory, IsFreedInStreamOrder) {
  simt::set_execution(simt::Execution::deferred);
  const cudaStream_t stream = new_stream();
  float* pointer = nullptr;
  ASSERT_EQ(cudaMallocAsync(&pointer, 128, stream), cudaSuccess);
  ASSERT_EQ(cudaMemsetAsync(pointer, 0, 128, stream), cudaSuccess);
  ASSERT_EQ(cudaFreeAsync(pointer, stream), cudaSuccess);
  EXPECT_EQ(cudaFreeAsync(pointer, stream), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemsetAsync(pointer, 0, 128, stream), cudaErrorInvalidValue);
  EXPECT_EQ(simt::live().device_allocations, 1U);
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(simt::live().device_allocations, 0U);
}

TEST_F(Memory, FreedTooEarlyInAnotherStreamIsAFault) {
  // The free and the memset are in different streams with nothing between them: in one of the two orders the memory is
  // gone when the memset comes.
  int faults = 0;
  for (const unsigned seed : {0U, 1U}) {
    simt::reset();
    simt::set_execution(simt::Execution::deferred, seed);
    const cudaStream_t freeing = new_stream();
    const cudaStream_t using_it = new_stream();
    float* pointer = nullptr;
    ASSERT_EQ(cudaMallocAsync(&pointer, 128, using_it), cudaSuccess);
    ASSERT_EQ(cudaMemsetAsync(pointer, 0, 128, using_it), cudaSuccess);
    ASSERT_EQ(cudaFreeAsync(pointer, freeing), cudaSuccess);
    try {
      cudaDeviceSynchronize();
    } catch (const simt::Fault& fault) {
      EXPECT_STREQ(fault.what(),
                   "the target of a memset is not in live device or pinned memory: freed, or never allocated");
      ++faults;
    }
  }
  EXPECT_EQ(faults, 1);
}

TEST_F(Memory, InUseIsFreedAfterTheWork) {
  simt::set_execution(simt::Execution::deferred);
  const cudaStream_t stream = new_stream();
  float* result = pinned_floats(1);
  float* pointer = device_floats(1, 3);
  ASSERT_EQ(cudaMemcpyAsync(result, pointer, 4, cudaMemcpyDeviceToHost, stream), cudaSuccess);
  EXPECT_EQ(result[0], 0);
  ASSERT_EQ(cudaFree(pointer), cudaSuccess);
  EXPECT_EQ(result[0], 3);
}

TEST_F(Memory, CountsWhatIsAllocated) {
  void* device = nullptr;
  void* pinned = nullptr;
  ASSERT_EQ(cudaMalloc(&device, 4), cudaSuccess);
  ASSERT_EQ(cudaHostAlloc(&pinned, 4, cudaHostAllocMapped), cudaSuccess);
  EXPECT_EQ(simt::counters().allocations, 1U);
  EXPECT_EQ(simt::counters().pinned_allocations, 1U);
  EXPECT_FALSE(simt::live().nothing());
  ASSERT_EQ(cudaFree(device), cudaSuccess);
  ASSERT_EQ(cudaFreeHost(pinned), cudaSuccess);
  EXPECT_EQ(simt::counters().frees, 1U);
  EXPECT_EQ(simt::counters().pinned_frees, 1U);
  EXPECT_TRUE(simt::live().nothing());
  simt::reset_counters();
  EXPECT_EQ(simt::counters().allocations, 0U);
  EXPECT_EQ(cudaHostAlloc(&pinned, 4, 0x80), cudaErrorInvalidValue);
}

#if defined(__SANITIZE_ADDRESS__)
using MemoryDeathTest = Memory;

TEST_F(MemoryDeathTest, OfTheDeviceIsNotForTheHost) {
  float* pointer = device_floats(4, 1);
  EXPECT_DEATH(pointer[1] = 2, "use-after-poison");
  simt::guard_device_memory(false);
  pointer[1] = 2;
  simt::guard_device_memory(true);
  EXPECT_DEATH(pointer[1] = 2, "use-after-poison");
  EXPECT_EQ(first_of(pointer + 1), 2);
}

TEST_F(MemoryDeathTest, EndsWhereItWasAskedTo) {
  float* pointer = device_floats(3);
  EXPECT_DEATH(add(pointer, 1, 4), "heap-buffer-overflow");
}

TEST_F(MemoryDeathTest, IsGoneOnceItIsFreed) {
  float* pointer = device_floats(3);
  ASSERT_EQ(cudaFree(pointer), cudaSuccess);
  EXPECT_DEATH(add(pointer, 1, 3), "heap-use-after-free");
}
#endif

}  // namespace
}  // namespace simt_test
