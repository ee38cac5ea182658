#include "cpu/cpu_executable.h"

#include <fmt/format.h>
#include <omp.h>

#include <chrono>
#include <utility>

#include "cpu/compiler.h"
#include "lacuna/error.h"

namespace lacuna::cpu {

namespace {

std::int64_t padded(std::int64_t bytes) {
  return (bytes + 63) / 64 * 64;
}

/// Sums that one operation forms together.
std::int64_t values_at_once(const StepPlan& plan) {
  std::size_t most = 2;  // a loss, and how many are right
  for (const Operation& operation : plan.operations)
    if (const auto* dots = std::get_if<Dots>(&operation)) most = std::max(most, dots->left.size() * dots->right.size());
  return static_cast<std::int64_t>(most);
}

class CpuExecutable : public Executable {
 public:
  CpuExecutable(const StepPlan& plan, const Bindings& bindings, int threads, Precision precision) {
    program_.threads = threads;
    program_.precision = precision;
    Compiler compiler(plan, bindings, program_);
    for (const Operation& operation : plan.operations) {
      std::visit(compiler, operation);
      program_.operations.resize(program_.commands.size(), static_cast<std::int32_t>(&operation - &plan.operations[0]));
      compiler.copies.wrote(operation);
    }
  }

  std::vector<std::string> remarks() const override { return program_.remarks; }

  std::int64_t run(std::int64_t steps, const std::atomic<bool>* stop) override {
    omp_set_num_threads(program_.threads);  // oneDNN reads the calling thread's setting
    for (std::int64_t done = 0; done < steps; ++done) {
      if (stop && stop->load(std::memory_order_relaxed)) return done;
      run_step();
    }
    return steps;
  }

 protected:
  const Program& program() const { return program_; }

 private:
  virtual void run_step() {
    for (const auto& command : program_.commands) command();
  }
  Program program_;
};

/// With a look at the clock between any two commands.
class TimedExecutable final : public CpuExecutable {
 public:
  TimedExecutable(const StepPlan& plan, const Bindings& bindings, int threads, Precision precision,
                  std::vector<OperationTime>& times)
      : CpuExecutable(plan, bindings, threads, precision), times_(times) {}

 private:
  using Clock = std::chrono::steady_clock;

  void run_step() override {
    if (times_.empty()) start_ = Clock::now();
    double begin = now();
    for (std::size_t i = 0; i < program().commands.size(); ++i) {
      program().commands[i]();
      const double end = now();
      times_.push_back({program().operations[i], begin, end - begin});
      begin = end;
    }
  }
  double now() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

  std::vector<OperationTime>& times_;
  Clock::time_point start_;
};

}  // namespace

Compiler::Compiler(const StepPlan& p, const Bindings& bindings, Program& into) : plan(p), program(into), copies(p) {
  std::int64_t widest = 1, scratch_bytes = 0;
  for (const Buffer& buffer : plan.buffers) {
    if (buffer.kind == Buffer::Kind::scratch) scratch_bytes += padded(buffer.bytes());
    if (buffer.shape.rank() == 2) widest = std::max(widest, buffer.shape[1]);  // what is summed by columns
  }
  const std::int64_t stride = padded(widest * 4) / 4;
  const std::int64_t partial_bytes = padded(program.threads * 2 * stride * 4);
  const std::int64_t value_bytes = padded(program.threads * 8 * values_at_once(plan));
  program.scratch =
      allocate(scratch_bytes + 2 * partial_bytes + value_bytes + SparseInput::kOverrun, "activations of " + plan.name);
  auto* next = static_cast<std::byte*>(program.scratch->address());
  const auto take = [&next](std::int64_t bytes) { return std::exchange(next, next + bytes); };
  partials = ColumnPartials{reinterpret_cast<float*>(take(partial_bytes)), stride};
  abs_partials = ColumnPartials{reinterpret_cast<float*>(take(partial_bytes)), stride};
  value_partials = reinterpret_cast<double*>(take(value_bytes));

  for (const Buffer& buffer : plan.buffers) {
    switch (buffer.kind) {
      case Buffer::Kind::scratch:
        address.push_back(take(padded(buffer.bytes())));
        break;
      case Buffer::Kind::slice:
        address.push_back(address[static_cast<std::size_t>(buffer.parent)] + buffer.offset * size_of(buffer.dtype));
        break;
      case Buffer::Kind::bound: {
        const auto found = bindings.find(buffer.name);
        LACUNA_EXPECTS(found != bindings.end() && found->second, fmt::format("{} is not bound", buffer.name));
        LACUNA_EXPECTS(
            found->second->bytes() >= buffer.bytes(),
            fmt::format("{} is bound to {} bytes, but needs {}", buffer.name, found->second->bytes(), buffer.bytes()));
        address.push_back(static_cast<std::byte*>(found->second->address()));
      }
    }
  }
}

std::unique_ptr<Executable> compile(const StepPlan& plan, const Bindings& bindings, int threads, Precision precision,
                                    std::vector<OperationTime>* times) {
  plan.validate();
  if (times) return std::make_unique<TimedExecutable>(plan, bindings, threads, precision, *times);
  return std::make_unique<CpuExecutable>(plan, bindings, threads, precision);
}

}  // namespace lacuna::cpu
