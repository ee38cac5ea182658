// Kernels that go over a matrix once: bias and activation, reconstruction, backward, column sums.

#include <fmt/format.h>

#include "gpu/kernel_case.h"

namespace lacuna::bench {

namespace {

struct Matrix {
  std::int64_t rows, columns;
  bool hot = false;
  std::int64_t elements() const { return rows * columns; }
};

/// The main job's layers; 64 MiB; at least 1 GiB tall, square, wide. 4099 and 1025 columns go one at a time.
constexpr Matrix kMatrices[] = {{100, 196, true},      {100, 196},     {1000, 200},    {1200, 784},
                                {4096, 4096},          {4099, 4099},   {350'000, 784}, {65'536, 4096},
                                {64, 4 * 1024 * 1024}, {262'139, 1025}};

/// A case whose kernel reads or writes `moved` matrices in all, and keeps `kept` of them.
KernelCase pass_case(const char* kernel, const Matrix& m, double moved, double kept, int multiprocessors) {
  const double matrix = 4.0 * static_cast<double>(m.elements());
  return {fmt::format("{}/{}x{}{}", kernel, m.rows, m.columns, m.hot ? "/hot" : ""),
          moved * matrix,
          kept * matrix,
          cuda::pass_needs(m.rows, m.columns, multiprocessors),
          {},
          m.hot};
}

KernelCase bias_activation(const char* name, const Matrix& m, Activation activation, int sums, int multiprocessors) {
  KernelCase c = pass_case(name, m, 2, 1, multiprocessors);
  c.make = [m, activation, sums](Operands&, Operands& own) -> KernelCase::Call {
    const cuda::BiasActivationArgs arguments{own.around_zero(m.elements()),
                                             own.around_zero(m.columns),
                                             m.rows,
                                             m.columns,
                                             sums > 0 ? own.unit(m.columns) : nullptr,
                                             sums > 1 ? own.unit(m.columns) : nullptr};
    return [=](const cuda::Workspace& workspace) { cuda::bias_activation(workspace, activation, arguments); };
  };
  return c;
}

/// In place, as in a training step.
KernelCase reconstruction(const char* name, const Matrix& m, Loss loss, int multiprocessors) {
  KernelCase c = pass_case(name, m, 3, 2, multiprocessors);
  c.make = [m, loss](Operands&, Operands& own) -> KernelCase::Call {
    cuda::ReconstructionArgs arguments{};
    arguments.delta = own.around_zero(m.elements());
    arguments.product = arguments.delta;
    arguments.bias = own.around_zero(m.columns);
    arguments.target = own.unit(m.elements());
    arguments.rows = m.rows;
    arguments.columns = m.columns;
    arguments.reduction = Reduction::sample;
    arguments.scalars = own.one(StepScalars{.sample_count = static_cast<float>(m.rows)});
    arguments.bias_gradient = own.unit(m.columns);
    arguments.value = own.one(0.0);
    return [=](const cuda::Workspace& workspace) {
      cuda::reconstruction(workspace, loss, Activation::sigmoid, arguments);
    };
  };
  return c;
}

KernelCase activation_backward(const char* name, const Matrix& m, bool kept, int multiprocessors) {
  KernelCase c = pass_case(name, m, 3, 2, multiprocessors);
  c.make = [m, kept](Operands&, Operands& own) -> KernelCase::Call {
    cuda::ActivationBackwardArgs arguments{};
    arguments.gradient = own.around_zero(m.elements());
    arguments.output = own.unit(m.elements());
    arguments.column_gradient = own.around_zero(m.columns);
    arguments.rows = m.rows;
    arguments.columns = m.columns;
    arguments.bias_gradient = own.unit(m.columns);
    if (kept) arguments.kept = own.repeat<std::uint32_t>(m.rows * ((m.columns + 31) / 32), {0x11111111u, 0x80402010u});
    return
        [=](const cuda::Workspace& workspace) { cuda::activation_backward(workspace, Activation::sigmoid, arguments); };
  };
  return c;
}

KernelCase column_sums(const Matrix& m, int multiprocessors) {
  KernelCase c = pass_case("column_sums", m, 1, 1, multiprocessors);
  c.make = [m](Operands&, Operands& own) -> KernelCase::Call {
    const cuda::ColumnSumsArgs arguments{own.around_zero(m.elements()), m.rows, m.columns, own.unit(m.columns),
                                         nullptr};
    return [=](const cuda::Workspace& workspace) { cuda::column_sums(workspace, arguments); };
  };
  return c;
}

}  // namespace

void add_pass_cases(std::vector<KernelCase>& cases, int multiprocessors) {
  for (const Matrix& m : kMatrices) {
    cases.push_back(bias_activation("bias_activation/sigmoid", m, Activation::sigmoid, 0, multiprocessors));
    cases.push_back(bias_activation("bias_activation/sigmoid_sums", m, Activation::sigmoid, 1, multiprocessors));
    cases.push_back(bias_activation("bias_activation/relu", m, Activation::relu, 0, multiprocessors));
    cases.push_back(bias_activation("bias_activation/relu_abs_sums", m, Activation::relu, 2, multiprocessors));
    cases.push_back(reconstruction("reconstruction/half_squared_sigmoid", m, Loss::half_squared, multiprocessors));
    cases.push_back(reconstruction("reconstruction/bce", m, Loss::bce, multiprocessors));
    cases.push_back(activation_backward("activation_backward/sigmoid_kl", m, false, multiprocessors));
    if (m.columns == 4096) cases.push_back(activation_backward("activation_backward/kept", m, true, multiprocessors));
    cases.push_back(column_sums(m, multiprocessors));
  }
}

}  // namespace lacuna::bench
