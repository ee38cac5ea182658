// What a k-sparse code, noise and dropout need, and channels.

#include <fmt/format.h>

#include "gpu/kernel_case.h"

namespace lacuna::bench {

namespace {

struct Code {
  std::int64_t rows, units, kept;
};

/// The recipe's batch; what the bar is set at; a block for each row; at least 1 GiB; rows beyond registers.
constexpr Code kCodes[] = {{100, 1000, 25},  {4096, 1000, 25},    {4096, 256, 10},
                           {4096, 4096, 64}, {300'000, 1000, 25}, {8192, 16'384, 64}};

/// What was selected once is selected quickly: each call gets the values anew, and the copy's bytes are counted with
/// the kernel's.
KernelCase top_k(const Code& code) {
  const double matrix = 4.0 * static_cast<double>(code.rows * code.units);
  KernelCase c{
      fmt::format("top_k_and_copy/{}x{}/k={}", code.rows, code.units, code.kept), 4 * matrix, 2 * matrix, {}, {}};
  c.make = [code](Operands&, Operands& own) -> KernelCase::Call {
    const float* fresh = own.around_zero(code.rows * code.units);
    const cuda::TopKArgs arguments{own.around_zero(code.rows * code.units), code.rows, code.units,
                                   own.one(StepScalars{.kept_units = static_cast<float>(code.kept)}),
                                   own.repeat<std::uint32_t>(code.rows * ((code.units + 31) / 32), {0u})};
    return [=](const cuda::Workspace& workspace) {
      LACUNA_CUDA(cudaMemcpyAsync(arguments.values, fresh, static_cast<std::size_t>(code.rows * code.units) * 4,
                                  cudaMemcpyDeviceToDevice, workspace.stream));
      cuda::top_k(workspace, arguments);
    };
  };
  return c;
}

KernelCase noise(const char* name, NoiseKind kind, std::int64_t elements) {
  const double bytes = 4.0 * static_cast<double>(elements);
  KernelCase c{fmt::format("noise/{}/{}", name, elements), 2 * bytes, 2 * bytes, {}, {}};
  c.make = [=](Operands&, Operands& own) -> KernelCase::Call {
    const cuda::NoiseArgs arguments{
        kind, 0.3f, own.unit(elements), own.unit(elements), elements, own.one(StepState{.step = 1}), 1, 0};
    return [=](const cuda::Workspace& workspace) { cuda::noise(workspace, arguments); };
  };
  return c;
}

KernelCase channels(bool spread, std::int64_t count, std::int64_t positions) {
  const double bytes = 4.0 * static_cast<double>(count * positions);
  KernelCase c{fmt::format("{}/{}x{}/hot", spread ? "spread_channels" : "sum_channels", count, positions),
               bytes,
               bytes,
               {},
               {},
               true};
  c.make = [=](Operands&, Operands& own) -> KernelCase::Call {
    float* of_channels = own.unit(count);
    float* columns = own.unit(count * positions);
    return [=](const cuda::Workspace& workspace) {
      if (spread)
        cuda::spread_channels(workspace, of_channels, count, positions, columns);
      else
        cuda::sum_channels(workspace, columns, count, positions, of_channels);
    };
  };
  return c;
}

}  // namespace

void add_code_cases(std::vector<KernelCase>& cases) {
  for (const Code& code : kCodes) cases.push_back(top_k(code));
  for (const std::int64_t elements : {78'400, 300'000'000}) {
    cases.push_back(noise("dropout", NoiseKind::dropout, elements));
    cases.push_back(noise("gaussian", NoiseKind::gaussian, elements));
  }
  for (const bool spread : {true, false}) cases.push_back(channels(spread, 16, 196));
}

}  // namespace lacuna::bench
