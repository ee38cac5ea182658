// The RAII of cuda/runtime and the one row-major product, on the emulator.

#include <cmath>
#include <set>

#include "cuda/emulator.h"
#include "gmock/gmock.h"
#include "lacuna/error.h"
#include "libs/cublas.h"
#include "runtime/branch.h"
#include "runtime/event.h"
#include "runtime/graph.h"
#include "runtime/memory.h"
#include "runtime/stream.h"
#include "support/random.h"

namespace lacuna::test {
namespace {

using testing::HasSubstr;

class Runtime : public Emulator {};

TEST_F(Runtime, AFailedCallNamesItselfAndTakesTheErrorAway) {
  try {
    LACUNA_CUDA(cudaSetDevice(99));
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("cudaSetDevice failed: "));
    EXPECT_THAT(error.what(), HasSubstr("(cudaErrorInvalidDevice) at runtime_test.cpp:"));
  }
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

TEST_F(Runtime, AFailedProductNamesItself) {
  const cuda::Stream stream;
  const cuda::Cublas cublas(stream.get(), Precision::fp32);
  try {
    const float* nothing = nullptr;
    cublas.gemm_row_major(cuda::Transpose::no, cuda::Transpose::no, -1, 2, 2, nothing, nothing, nullptr);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("cublasSgemm_64 failed: "));
    EXPECT_THAT(error.what(), HasSubstr("at cublas.cpp:"));
  }
}

TEST_F(Runtime, AFailedProductForWantOfMemorySaysHowMuchThereIs) {
  try {
    LACUNA_CUBLAS(CUBLAS_STATUS_ALLOC_FAILED);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("4.0 GiB of GPU memory are free of 4.0 GiB"));
  }
}

TEST_F(Runtime, AThrowingCaptureLeavesTheStreamUsable) {
  const cuda::Stream stream;
  EXPECT_THROW(cuda::Graph::capture(stream.get(), [&] { stream.synchronize(); }), Error);
  stream.synchronize();
  const cuda::DeviceMemory memory(4, "a number");
  const cuda::Graph graph =
      cuda::Graph::capture(stream.get(), [&] { LACUNA_CUDA(cudaMemsetAsync(memory.get(), 0x11, 4, stream.get())); });
  graph.launch(stream.get());
  std::uint32_t value = 0;
  LACUNA_CUDA(cudaMemcpyAsync(&value, memory.get(), 4, cudaMemcpyDeviceToHost, stream.get()));
  stream.synchronize();
  EXPECT_EQ(value, 0x11111111u);
}

/// What the trunk writes after the fork reaches the branch, or not, unless it waits for the branch first.
TEST_F(Runtime, ABranchThatIsJoinedTooLateShows) {
  for (const bool in_time : {true, false}) {
    std::set<std::uint32_t> seen;
    for (unsigned seed : {0u, 1u}) {
      simt::set_execution(simt::Execution::deferred, seed);
      const cuda::Stream stream;
      const cuda::DeviceMemory from(4, "a number"), to(4, "its copy");
      const cuda::Branch branch(stream.get());
      const cuda::Graph graph = cuda::Graph::capture(stream.get(), [&] {
        LACUNA_CUDA(cudaMemsetAsync(from.get(), 0x11, 4, stream.get()));
        branch.fork();
        LACUNA_CUDA(cudaMemcpyAsync(to.get(), from.get(), 4, cudaMemcpyDeviceToDevice, branch.stream()));
        if (in_time) branch.join();
        LACUNA_CUDA(cudaMemsetAsync(from.get(), 0x22, 4, stream.get()));
        if (!in_time) branch.join();
      });
      graph.launch(stream.get());
      std::uint32_t value = 0;
      LACUNA_CUDA(cudaMemcpyAsync(&value, to.get(), 4, cudaMemcpyDeviceToHost, stream.get()));
      stream.synchronize();
      seen.insert(value);
    }
    EXPECT_EQ(seen, in_time ? std::set<std::uint32_t>{0x11111111} : (std::set<std::uint32_t>{0x11111111, 0x22222222}));
  }
}

TEST_F(Runtime, ABranchThatIsNeverJoinedIsRefused) {
  const cuda::Stream stream;
  const cuda::DeviceMemory memory(4, "a number");
  const cuda::Branch branch(stream.get());
  EXPECT_THROW(cuda::Graph::capture(stream.get(),
                                    [&] {
                                      branch.fork();
                                      LACUNA_CUDA(cudaMemsetAsync(memory.get(), 0, 4, branch.stream()));
                                    }),
               Error);
}

TEST_F(Runtime, EventsMeasure) {
  const cuda::Stream stream;
  const cuda::Event start(cuda::Event::Timing::on), end(cuda::Event::Timing::on);
  start.record(stream.get());
  end.record(stream.get());
  end.synchronize();
  EXPECT_GE(end.milliseconds_since(start), 0.0);
}

TEST_F(Runtime, OwnersMoveWithoutReleasingTwice) {
  cuda::DeviceMemory first(16, "a"), second(32, "b");
  first = std::move(second);
  EXPECT_EQ(first.bytes(), 32);
  EXPECT_EQ(simt::live().device_allocations, 2u);
}

TEST_F(Runtime, ReadableBytes) {
  EXPECT_EQ(cuda::readable_bytes(512), "0.5 KiB");
  EXPECT_EQ(cuda::readable_bytes(3 << 20), "3.0 MiB");
  EXPECT_EQ(cuda::readable_bytes(std::int64_t{5} << 30), "5.0 GiB");
}

class Products : public Emulator, public testing::WithParamInterface<std::pair<bool, bool>> {};

TEST_P(Products, AreRowMajor) {
  const auto [turn_a, turn_b] = GetParam();
  const cuda::Stream stream;
  const cuda::Cublas cublas(stream.get(), Precision::fp32);
  Random random(3);
  for (const auto& [m, n, k] :
       {std::array<std::int64_t, 3>{1, 1, 1}, {2, 3, 4}, {31, 33, 1}, {1, 127, 32}, {33, 1, 65}}) {
    std::vector<float> a(static_cast<std::size_t>(m * k)), b(static_cast<std::size_t>(k * n)),
        c(static_cast<std::size_t>(m * n));
    for (float& v : a) v = static_cast<float>(random.uniform(-1, 1));
    for (float& v : b) v = static_cast<float>(random.uniform(-1, 1));
    const auto bytes = [](const std::vector<float>& v) { return static_cast<std::int64_t>(v.size() * sizeof(float)); };
    const cuda::DeviceMemory on_a(bytes(a), "a"), on_b(bytes(b), "b"), on_c(bytes(c), "c");
    LACUNA_CUDA(cudaMemcpy(on_a.get(), a.data(), a.size() * 4, cudaMemcpyHostToDevice));
    LACUNA_CUDA(cudaMemcpy(on_b.get(), b.data(), b.size() * 4, cudaMemcpyHostToDevice));
    const auto as = [](const cuda::DeviceMemory& memory) { return reinterpret_cast<float*>(memory.get()); };
    cublas.gemm_row_major(turn_a ? cuda::Transpose::yes : cuda::Transpose::no,
                          turn_b ? cuda::Transpose::yes : cuda::Transpose::no, m, n, k, as(on_a), as(on_b), as(on_c));
    stream.synchronize();
    LACUNA_CUDA(cudaMemcpy(c.data(), on_c.get(), c.size() * 4, cudaMemcpyDeviceToHost));
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t j = 0; j < n; ++j) {
        double sum = 0, size = 0;
        for (std::int64_t t = 0; t < k; ++t) {
          const double x = a[static_cast<std::size_t>(turn_a ? t * m + i : i * k + t)];
          const double y = b[static_cast<std::size_t>(turn_b ? j * k + t : t * n + j)];
          sum += x * y;
          size += std::abs(x * y);
        }
        EXPECT_NEAR(c[static_cast<std::size_t>(i * n + j)], sum, 1e-6 * size) << m << " " << n << " " << k;
      }
  }
}

INSTANTIATE_TEST_SUITE_P(Each, Products,
                         testing::Values(std::pair{false, false}, std::pair{false, true}, std::pair{true, false},
                                         std::pair{true, true}));

}  // namespace
}  // namespace lacuna::test
