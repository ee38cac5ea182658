// What moves numbers and computes little: gather, the uniform weights, and, to compare with, plain copies.

#include <fmt/format.h>

#include "gpu/kernel_case.h"

namespace lacuna::bench {

namespace {

struct Batch {
  std::int64_t data_rows, rows, columns;
  bool shuffle = true, hot = false;
};

/// The main job's batch from MNIST and from a data set that no cache holds; at least 1 GiB of batch and rows read.
constexpr Batch kBatches[] = {{60'000, 100, 784, true, true},
                              {400'000, 100, 784},
                              {400'000, 1200, 784},
                              {1'000'000, 300'000, 784},
                              {400'000, 300'000, 785}};
constexpr Batch kFloatBatches[] = {{400'000, 200'000, 784}, {400'000, 200'000, 784, false}, {400'000, 200'000, 785}};

KernelCase gather(const Batch& b, DType dtype) {
  const double elements = static_cast<double>(b.rows * b.columns);
  const double bytes = elements * static_cast<double>(4 + size_of(dtype));
  KernelCase c{fmt::format("gather/{}{}/{}x{}{}", to_string(dtype), b.shuffle ? "" : "_in_order", b.rows, b.columns,
                           b.hot ? "/hot" : ""),
               bytes,
               bytes,
               {},
               {},
               b.hot};
  // Each set of operands has an epoch of its own, so that their batches hold other rows.
  c.make = [b, dtype, epoch = std::int64_t{0}](Operands& shared, Operands& own) mutable -> KernelCase::Call {
    cuda::GatherArgs arguments{};
    arguments.dtype = dtype;
    const std::int64_t count = b.data_rows * b.columns;
    if (dtype == DType::u8)
      arguments.data = shared.bytes(count);
    else
      arguments.data = shared.unit(count);
    arguments.data_rows = b.data_rows;
    arguments.columns = b.columns;
    arguments.state = own.one(StepState{.epoch = epoch++});
    arguments.batch = own.unit(b.rows * b.columns);
    arguments.rows = b.rows;
    arguments.shuffle = b.shuffle;
    arguments.seed = 1;
    return [=](const cuda::Workspace& workspace) { cuda::gather(workspace, arguments); };
  };
  return c;
}

KernelCase fill_uniform(std::int64_t count, bool hot) {
  const double bytes = 4.0 * static_cast<double>(count);
  KernelCase c{fmt::format("fill_uniform/{}{}", count, hot ? "/hot" : ""), bytes, bytes, {}, {}, hot};
  c.make = [=](Operands&, Operands& own) -> KernelCase::Call {
    float* values = own.unit(count);
    return [=](const cuda::Workspace& workspace) { cuda::fill_uniform(workspace, values, count, 0.05f, 1, 0); };
  };
  return c;
}

}  // namespace

KernelCase copy_case(std::int64_t floats, bool hot) {
  const double bytes = 8.0 * static_cast<double>(floats);
  KernelCase c{fmt::format("copy/{}{}", floats, hot ? "/hot" : ""), bytes, bytes, {}, {}, hot};
  c.make = [=](Operands&, Operands& own) -> KernelCase::Call {
    const float* from = own.around_zero(floats);
    float* to = own.unit(floats);
    return [=](const cuda::Workspace& workspace) {
      LACUNA_CUDA(cudaMemcpyAsync(to, from, static_cast<std::size_t>(floats) * sizeof(float), cudaMemcpyDeviceToDevice,
                                  workspace.stream));
    };
  };
  return c;
}

void add_copy_cases(std::vector<KernelCase>& cases) {
  constexpr std::int64_t kGiB = 1 << 28;  // floats
  for (const Batch& batch : kBatches) cases.push_back(gather(batch, DType::u8));
  for (const Batch& batch : kFloatBatches) cases.push_back(gather(batch, DType::f32));
  cases.push_back(fill_uniform(784 * 196, true));
  cases.push_back(fill_uniform(kGiB, false));
  cases.push_back(fill_uniform(kGiB + 3, false));
  for (const bool hot : {true, false}) cases.push_back(copy_case(100 * 196, hot));
  cases.push_back(copy_case(4096 * 4096, false));
  cases.push_back(copy_case(kGiB, false));
}

}  // namespace lacuna::bench
