#include "cpu/cpu_executable.h"

#include <fmt/format.h>
#include <omp.h>

#include <cmath>
#include <functional>
#include <utility>

#include "cpu/gemm.h"
#include "cpu/kernels.h"
#include "cpu/sparse_input.h"
#include "lacuna/error.h"
#include "lacuna/math/penalty.h"
#include "lacuna/math/uniform.h"

namespace lacuna::cpu {

namespace {

/// From this ratio of rows to columns on, oneDNN's product with a transposed left operand is slower than the one that
/// gives the transposed result, by more than turning it costs (docs/benchmarks.md).
constexpr std::int64_t kTall = 3;

std::int64_t padded(std::int64_t bytes) {
  return (bytes + 63) / 64 * 64;
}

class CpuExecutable final : public Executable {
 public:
  CpuExecutable(const StepPlan& plan, const Bindings& bindings, int threads);

  std::vector<std::string> remarks() const override { return remarks_; }

  std::int64_t run(std::int64_t steps, const std::atomic<bool>* stop) override {
    omp_set_num_threads(threads_);  // oneDNN reads the calling thread's setting
    for (std::int64_t done = 0; done < steps; ++done) {
      if (stop && stop->load(std::memory_order_relaxed)) return done;
      for (const auto& command : commands_) command();
    }
    return steps;
  }

 private:
  friend struct Compiler;

  int threads_;
  std::unique_ptr<DeviceBuffer> scratch_;
  std::unique_ptr<SparseInput> sparse_input_;
  std::vector<std::unique_ptr<DeviceBuffer>> turned_;
  std::vector<std::string> remarks_;
  std::vector<UpdateParameters::Range> ranges_;
  std::vector<std::function<void()>> commands_;
};

/// Turns each operation into a command with every address resolved.
struct Compiler {
  const StepPlan& plan;
  CpuExecutable& target;
  std::vector<std::byte*> address;  // of each buffer
  ColumnPartials partials, abs_partials;
  double* value_partials = nullptr;
  const Kernels& k = kernels();

  Compiler(const StepPlan& p, const Bindings& bindings, CpuExecutable& executable) : plan(p), target(executable) {
    std::int64_t widest = 1, scratch_bytes = 0;
    for (const Buffer& buffer : plan.buffers) {
      if (buffer.kind == Buffer::Kind::scratch) scratch_bytes += padded(buffer.bytes());
      if (buffer.shape.rank() == 2) widest = std::max(widest, buffer.shape[1]);  // what is summed by columns
    }
    const std::int64_t stride = padded(widest * 4) / 4;
    const std::int64_t partial_bytes = padded(target.threads_ * 2 * stride * 4);
    const std::int64_t value_bytes = padded(target.threads_ * 8);
    target.scratch_ = allocate(scratch_bytes + 2 * partial_bytes + value_bytes + SparseInput::kOverrun,
                               "activations of " + plan.name);
    auto* next = static_cast<std::byte*>(target.scratch_->address());
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
          LACUNA_EXPECTS(found->second->bytes() >= buffer.bytes(),
                         fmt::format("{} is bound to {} bytes, but needs {}", buffer.name, found->second->bytes(),
                                     buffer.bytes()));
          address.push_back(static_cast<std::byte*>(found->second->address()));
        }
      }
    }
  }

  template <class T = float>
  T* at(BufferId id) const {
    return id == kNoBuffer ? nullptr : reinterpret_cast<T*>(address[static_cast<std::size_t>(id)]);
  }
  const Shape& shape(BufferId id) const { return plan[id].shape; }
  StepState* state(BufferId id) const { return at<StepState>(id); }
  StepScalars* scalars(BufferId id) const { return at<StepScalars>(id); }
  void push(std::function<void()> command) { target.commands_.push_back(std::move(command)); }

  /// Whether products with this buffer go through the nonzero values of the minibatch.
  bool sparse(BufferId id) const { return target.sparse_input_ && target.sparse_input_->batch() == at(id); }

  void operator()(const FillUniform& op) {
    push([op, values = at(op.values), count = shape(op.values).elements()] {
      for (std::int64_t i = 0; i < count; i += 4) {
        const math::Uniform4 four =
            math::uniform_weights(op.limit, op.seed, op.stream, static_cast<std::uint64_t>(i / 4));
        for (std::int64_t w = 0; w < 4 && i + w < count; ++w) values[i + w] = four.at[w];
      }
    });
  }

  void operator()(const BeginStep& op) {
    push([s = state(op.state), c = scalars(op.scalars), o = op.optimizer, rows = op.rows] {
      s->step += 1;
      const auto t = static_cast<double>(s->step);
      c->learning_rate = static_cast<float>(o.learning_rate);
      c->adam_step_size = static_cast<float>(o.learning_rate / (1.0 - std::pow(o.beta1, t)));
      c->adam_inv_sqrt_correction2 = static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(o.beta2, t)));
      c->sample_count = static_cast<float>(rows);
    });
  }

  void operator()(const Gather& op) {
    const Shape& data = shape(op.data);
    target.sparse_input_ = SparseInput::make(plan, op, at<void>(op.data), at(op.batch), target.threads_);
    if (target.sparse_input_) target.remarks_.push_back(target.sparse_input_->remark());
    push([f = k.gather, a = GatherArgs{at<void>(op.data), plan[op.data].dtype, data[0], data[1], state(op.state),
                                       at(op.batch), shape(op.batch)[0], op.shuffle, op.seed, target.threads_}] {
      f(a);
    });
  }

  void operator()(const DenseForward& op) {
    const std::int64_t rows = shape(op.input)[0], in = shape(op.weight)[1], out = shape(op.weight)[0];
    if (sparse(op.input))
      push([s = target.sparse_input_.get(), w = at(op.weight), y = at(op.output), out] { s->forward(w, y, out); });
    else
      push([=, x = at(op.input), w = at(op.weight), y = at(op.output)] {
        gemm(Transpose::no, Transpose::yes, rows, out, in, x, w, y);
      });
    if (op.bias == kNoBuffer) return;
    push([f = k.bias_activation, activation = op.activation,
          a = BiasActivationArgs{at(op.output), at(op.bias), rows, out, at(op.column_sums), at(op.column_abs_sums),
                                 partials, abs_partials, target.threads_}] { f(activation, a); });
  }

  void operator()(const Reconstruction& op) {
    const Shape& product = shape(op.product);
    push([f = k.reconstruction, loss = op.loss, activation = op.activation,
          a = ReconstructionArgs{at(op.product), at(op.bias), at(op.target), product[0], product[1], op.reduction,
                                 scalars(op.scalars), at(op.delta), at(op.output), at(op.bias_gradient),
                                 at<double>(op.value), partials, value_partials, target.threads_}] {
      f(loss, activation, a);
    });
  }

  void operator()(const Softmax& op) {
    const Shape& logits = shape(op.logits);
    push([f = k.softmax, a = SoftmaxArgs{at(op.logits), at(op.bias), nullptr, logits[0], logits[1], nullptr, nullptr,
                                         at(op.logits), nullptr, nullptr, partials, value_partials, target.threads_}] {
      f(a);
    });
  }

  void operator()(const SoftmaxCrossEntropy& op) {
    const Shape& product = shape(op.product);
    push([f = k.softmax,
          a = SoftmaxArgs{at(op.product), at(op.bias), at<std::int32_t>(op.labels), product[0], product[1],
                          scalars(op.scalars), at(op.delta), at(op.output), at(op.bias_gradient), at<double>(op.value),
                          partials, value_partials, target.threads_}] { f(a); });
  }

  void operator()(const SparsityPenalty& op) {
    const std::int64_t units = shape(op.column_sums)[0];
    push([op, units, sums = at(op.column_sums), abs_sums = at(op.column_abs_sums), c = scalars(op.scalars),
          gradient = at(op.column_gradient), value = at<double>(op.value), mean = at<double>(op.mean_activation)] {
      const double samples = c->sample_count;
      double penalty = 0, activation = 0;
      for (std::int64_t j = 0; j < units; ++j) {
        const double rho_hat = static_cast<double>(sums[j]) / samples;
        activation += rho_hat;
        if (op.kind == Sparsity::kl) {
          penalty += op.beta * math::KlPenalty::value(op.rho, rho_hat);
          if (gradient)
            gradient[j] = static_cast<float>(op.beta / samples * math::KlPenalty::derivative(op.rho, rho_hat));
        } else if (op.kind == Sparsity::l1) {
          penalty += op.l1 / samples * static_cast<double>(abs_sums[j]);
        }
      }
      *value = penalty;
      *mean = activation / static_cast<double>(units);
    });
  }

  void operator()(const ActivationBackward& op) {
    const Shape& gradient = shape(op.gradient);
    push([f = k.activation_backward, activation = op.activation,
          a = ActivationBackwardArgs{at(op.gradient), at(op.output), at(op.column_gradient), op.l1, scalars(op.scalars),
                                     gradient[0], gradient[1], at(op.bias_gradient), partials, target.threads_}] {
      f(activation, a);
    });
  }

  void operator()(const DenseBackward& op) {
    const std::int64_t rows = shape(op.delta)[0], in = shape(op.weight)[1], out = shape(op.weight)[0];
    if (sparse(op.input) && plan[op.delta].kind == Buffer::Kind::scratch)  // scratch may be read past its end
      push([s = target.sparse_input_.get(), delta = at(op.delta), dw = at(op.weight_gradient), out] {
        s->weight_gradient(delta, dw, out);
      });
    else if (out >= kTall * in)
      push_turned_gradient(op, rows, in, out);
    else
      push([=, delta = at(op.delta), x = at(op.input), dw = at(op.weight_gradient)] {
        gemm(Transpose::yes, Transpose::no, out, in, rows, delta, x, dw);
      });
    if (op.input_gradient == kNoBuffer) return;
    push([=, delta = at(op.delta), w = at(op.weight), dx = at(op.input_gradient)] {
      gemm(Transpose::no, Transpose::no, rows, in, out, delta, w, dx);
    });
  }

  /// The transposed gradient, then turned.
  void push_turned_gradient(const DenseBackward& op, std::int64_t rows, std::int64_t in, std::int64_t out) {
    target.turned_.push_back(allocate(in * out * 4, "a transposed gradient"));
    push([=, delta = at(op.delta), x = at(op.input), dw = at(op.weight_gradient), turn = k.transpose,
          turned = static_cast<float*>(target.turned_.back()->address()), threads = target.threads_] {
      gemm(Transpose::yes, Transpose::no, in, out, rows, x, delta, turned);
      turn({turned, out, dw, in, in, out, threads});
    });
  }

  void operator()(const UpdateParameters& op) {
    target.ranges_ = op.ranges;
    push([f = k.update, optimizer = op.optimizer,
          a = UpdateArgs{at(op.parameters), at(op.gradients), at(op.moment1), at(op.moment2), target.ranges_.data(),
                         static_cast<std::int64_t>(target.ranges_.size()), nullptr, scalars(op.scalars),
                         op.weight_decay, at<double>(op.value), value_partials, target.threads_}] {
      UpdateArgs args = a;
      args.optimizer = &optimizer;
      f(args);
    });
  }

  void operator()(const EndStep& op) {
    push([s = state(op.state), c = scalars(op.scalars), ring = at<StepLoss>(op.ring), capacity = shape(op.ring)[0],
          reconstruction = at<double>(op.reconstruction), sparsity = at<double>(op.sparsity),
          decay = at<double>(op.weight_decay), mean = at<double>(op.mean_activation), data_rows = op.data_rows] {
      const auto read = [](const double* value) { return value ? *value : 0.0; };
      ring[(s->step - 1) % capacity] = {read(reconstruction), read(sparsity), read(decay), read(mean),
                                        static_cast<double>(c->sample_count)};
      s->position += static_cast<std::int64_t>(c->sample_count);
      if (s->position >= data_rows) {
        s->position = 0;
        s->epoch += 1;
      }
    });
  }
};

CpuExecutable::CpuExecutable(const StepPlan& plan, const Bindings& bindings, int threads) : threads_(threads) {
  Compiler compiler(plan, bindings, *this);
  for (const Operation& operation : plan.operations) std::visit(compiler, operation);
}

}  // namespace

std::unique_ptr<Executable> compile(const StepPlan& plan, const Bindings& bindings, int threads) {
  plan.validate();
  return std::make_unique<CpuExecutable>(plan, bindings, threads);
}

}  // namespace lacuna::cpu
