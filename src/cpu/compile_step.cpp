// Where a step begins and ends, and what it takes from the data set.

#include <cmath>

#include "cpu/compiler.h"
#include "lacuna/math/schedule.h"
#include "lacuna/math/uniform.h"

namespace lacuna::cpu {

void Compiler::operator()(const FillUniform& op) {
  push([op, values = at(op.values), count = shape(op.values).elements()] {
    for (std::int64_t i = 0; i < count; i += 4) {
      const math::Uniform4 four =
          math::uniform_weights(op.limit, op.seed, op.stream, static_cast<std::uint64_t>(i / 4));
      for (std::int64_t w = 0; w < 4 && i + w < count; ++w) values[i + w] = four.at[w];
    }
  });
}

void Compiler::operator()(const BeginStep& op) {
  push([s = state(op.state), c = scalars(op.scalars), o = op.optimizer, rows = op.rows, kept = op.kept] {
    s->step += 1;
    const auto t = static_cast<double>(s->step);
    const double rate = o.learning_rate * math::learning_rate_factor(o.schedule, s->step);
    c->learning_rate = static_cast<float>(rate);
    c->adam_step_size = static_cast<float>(rate / (1.0 - std::pow(o.beta1, t)));
    c->adam_inv_sqrt_correction2 = static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(o.beta2, t)));
    c->sample_count = static_cast<float>(rows);
    c->kept_units = static_cast<float>(math::kept_units(kept.start, kept.kept, kept.anneal_steps, s->step));
  });
}

void Compiler::operator()(const Gather& op) {
  const Shape& data = shape(op.data);
  // In bfloat16 the dense products are faster than those with the nonzero values alone, which are in float32.
  if (!bf16()) program.sparse_input = SparseInput::make(plan, op, at<void>(op.data), at(op.batch), program.threads);
  if (program.sparse_input) program.remarks.push_back(program.sparse_input->remark());
  push([f = k.gather, a = GatherArgs{at<void>(op.data), plan[op.data].dtype, data[0], data[1], state(op.state),
                                     at(op.batch), shape(op.batch)[0], op.shuffle, op.seed, at<std::int32_t>(op.labels),
                                     at<std::int32_t>(op.batch_labels),
                                     program.sparse_input ? program.sparse_input->values() : TiledSparse{},
                                     program.threads}] { f(a); });
}

void Compiler::operator()(const Noise& op) {
  push([f = k.noise,
        a = NoiseArgs{op.kind, static_cast<float>(op.amount), at(op.input), at(op.output), shape(op.input).elements(),
                      state(op.state), op.seed, op.stream, op.image, program.threads}] { f(a); });
  follow_kept(op);
}

void Compiler::operator()(const EndStep& op) {
  push([s = state(op.state), c = scalars(op.scalars), ring = at<StepLoss>(op.ring), capacity = shape(op.ring)[0],
        reconstruction = at<double>(op.reconstruction), sparsity = at<double>(op.sparsity),
        decay = at<double>(op.weight_decay), mean = at<double>(op.mean_activation), correct = at<double>(op.correct),
        data_rows = op.data_rows] {
    const auto read = [](const double* value) { return value ? *value : 0.0; };
    ring[(s->step - 1) % capacity] = {
        read(reconstruction), read(sparsity), read(decay), read(mean), static_cast<double>(c->sample_count),
        read(correct)};
    s->position += static_cast<std::int64_t>(c->sample_count);
    if (s->position >= data_rows) {
      s->position = 0;
      s->epoch += 1;
    }
  });
}

}  // namespace lacuna::cpu
