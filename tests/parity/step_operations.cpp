#include <cmath>

#include "lacuna/math/feistel.h"
#include "parity/operation_table.h"
#include "parity/plan_runner.h"
#include "reference/formulas.h"

namespace lacuna::test {
namespace {

constexpr StepState kStart{.step = 6, .epoch = 3, .position = 5};

std::vector<double> as_doubles(const StepState& s) {
  return {static_cast<double>(s.step), static_cast<double>(s.epoch), static_cast<double>(s.position)};
}

std::vector<Compared> begin_step(Backend& backend, const Sizes& s, Values, const Schedule& schedule) {
  PlanRunner runner(backend);
  BeginStep op;
  op.state = runner.state(kStart);
  op.scalars = runner.scalars({});
  op.rows = s.rows;
  op.optimizer = {.learning_rate = 0.03, .beta1 = 0.8, .beta2 = 0.99, .schedule = schedule};
  op.kept = {.start = s.columns + 100, .kept = s.columns, .anneal_steps = s.rows};
  runner.run(op, 4);
  const double t = 10.0, rate = 0.03 * reference::schedule_factor(schedule, 10);
  const double expected[] = {rate, rate / (1.0 - std::pow(0.8, t)), 1.0 / std::sqrt(1.0 - std::pow(0.99, t)),
                             static_cast<double>(s.rows)};
  // The tenth step stands 9 / anneal_steps of the way down, and what is left is rounded up.
  const double left = 1.0 - 9.0 / static_cast<double>(s.rows);
  const double kept = static_cast<double>(s.columns) + (s.rows < 10 ? 0.0 : std::ceil(100.0 * left - 1e-9));
  const std::vector<double> got = runner.read(op.scalars);
  return {exactly("state", runner.read(op.state), as_doubles({.step = 10, .epoch = 3, .position = 5})),
          {"learning_rate", {got[0]}, {expected[0]}},
          {"adam_step_size", {got[1]}, {expected[1]}},
          {"adam_inv_sqrt_correction2", {got[2]}, {expected[2]}},
          exactly("sample_count", {got[3]}, {expected[3]}),
          exactly("kept_units", {got[4]}, {kept})};
}

std::vector<Compared> gather(Backend& backend, const Sizes& s, Values values, DType type, bool shuffle, bool labels) {
  constexpr std::uint64_t kSeed = 0x1234567890ABCDEF;
  const std::int64_t data_rows = s.rows + 9;
  Operands operands(s, values);
  reference::Matrix data = operands.matrix(data_rows, s.columns, 0.0, 1.0);
  PlanRunner runner(backend);
  Gather op;
  if (type == DType::u8) {
    std::vector<std::uint8_t> bytes;
    for (double& v : data.values) {
      bytes.push_back(static_cast<std::uint8_t>(std::lround(v * 255)));
      v = bytes.back() / 255.0;
    }
    op.data = runner.bytes("data", {data_rows, s.columns}, bytes);
  } else {
    operands.plant_nan(data.values);
    op.data = runner.matrix("data", data);
  }
  op.state = runner.state(kStart);
  op.batch = runner.result("batch", {s.rows, s.columns});
  op.shuffle = shuffle;
  op.seed = kSeed;
  std::vector<std::int32_t> all_labels, expected_labels;
  for (std::int64_t i = 0; i < data_rows; ++i) all_labels.push_back(static_cast<std::int32_t>((i * 7 + 2) % 13));
  if (labels) {
    op.labels = runner.integers("labels", all_labels);
    op.batch_labels = runner.result_integers("batch_labels", {s.rows});
  }
  runner.run(op);

  const math::FeistelOrder order(kSeed, static_cast<std::uint64_t>(kStart.epoch),
                                 static_cast<std::uint64_t>(data_rows));
  reference::Matrix expected(s.rows, s.columns), bounds(s.rows, s.columns);
  for (std::int64_t i = 0; i < s.rows; ++i) {
    const std::int64_t at = kStart.position + i;
    const auto row = shuffle ? static_cast<std::int64_t>(order(static_cast<std::uint64_t>(at))) : at;
    expected_labels.push_back(all_labels[static_cast<std::size_t>(row)]);
    for (std::int64_t j = 0; j < s.columns; ++j) {
      expected(i, j) = data(row, j);
      bounds(i, j) = type == DType::u8 ? kUlp * data(row, j) : 0.0;
    }
  }
  std::vector<Compared> results{{"batch", runner.read(op.batch), expected.values, bounds.values},
                                exactly("state", runner.read(op.state), as_doubles(kStart))};
  if (labels)
    results.push_back(exactly("batch_labels", runner.read(op.batch_labels),
                              std::vector<double>(expected_labels.begin(), expected_labels.end())));
  return results;
}

/// Ends a step at the last row of the data set, or one row before it.
std::vector<Compared> end_step(Backend& backend, const Sizes& s, Values values, bool last) {
  constexpr std::int64_t kCapacity = 4;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double reconstruction = values == Values::nan ? nan : 0.1;
  std::vector<double> ring(kCapacity * kStepLossTerms, -1.0);

  PlanRunner runner(backend);
  EndStep op;
  op.state = runner.state(kStart);
  op.scalars = runner.scalars({.sample_count = static_cast<float>(s.rows)});
  op.reconstruction = runner.doubles("reconstruction", {1}, {reconstruction});
  op.sparsity = runner.doubles("sparsity", {1}, {0.2});
  op.mean_activation = runner.doubles("mean_activation", {1}, {0.4});
  op.correct = runner.doubles("correct", {1}, {7.0});
  op.ring = runner.doubles("ring", {kCapacity, kStepLossTerms}, ring);
  op.data_rows = kStart.position + s.rows + (last ? 0 : 1);
  runner.run(op);

  const std::vector<double> slot{reconstruction, 0.2, 0.0, 0.4, static_cast<double>(s.rows), 7.0};
  std::copy(slot.begin(), slot.end(), ring.begin() + (kStart.step - 1) % kCapacity * kStepLossTerms);
  const StepState end = last ? StepState{.step = 6, .epoch = 4, .position = 0}
                             : StepState{.step = 6, .epoch = 3, .position = kStart.position + s.rows};
  return {exactly("ring", runner.read(op.ring), ring), exactly("state", runner.read(op.state), as_doubles(end))};
}

/// The bits that the host's initialisation has, whatever the length.
std::vector<Compared> fill_uniform(Backend& backend, const Sizes& s, Values) {
  PlanRunner runner(backend);
  FillUniform op;
  op.values = runner.result("values", {s.rows, s.columns});
  op.limit = 0.0775f;
  op.seed = 0xFEDCBA9876543210;
  op.stream = 3;
  runner.run(op);
  std::vector<double> expected;
  for (std::int64_t i = 0; i < s.rows * s.columns; ++i) {
    const math::Philox4 block =
        math::random_block(op.seed, math::Purpose::weights, op.stream, static_cast<std::uint64_t>(i / 4));
    expected.push_back(op.limit * (2.0f * math::uniform24(block.word[i % 4]) - 1.0f));
  }
  return {exactly("values", runner.read(op.values), expected)};
}

}  // namespace

std::vector<OperationCase> step_operations() {
  std::vector<OperationCase> rows{{"fill_uniform", {Values::random}, fill_uniform}};
  const std::pair<const char*, Schedule> schedules[] = {
      {"begin_step", {}},
      {"begin_step_warmup", {.warmup = 12}},
      {"begin_step_stepped", {.kind = ScheduleKind::step, .warmup = 2, .every = 3, .factor = 0.25}},
      {"begin_step_cosine", {.kind = ScheduleKind::cosine, .warmup = 2, .total = 14, .factor = 0.1}},
      {"begin_step_cosine_ended", {.kind = ScheduleKind::cosine, .total = 8, .factor = 0.1}},
  };
  for (const auto& [name, schedule] : schedules)
    rows.push_back({name, {Values::random}, [schedule = schedule](Backend& backend, const Sizes& s, Values v) {
                      return begin_step(backend, s, v, schedule);
                    }});
  for (bool shuffle : {false, true})
    for (const auto& [type, labels] : {std::pair{DType::u8, false}, {DType::f32, false}, {DType::u8, true}}) {
      std::vector<Values> values{Values::random, Values::zeros};
      if (type == DType::f32) values.push_back(Values::nan);
      rows.push_back(
          {std::string("gather_") + to_string(type) + (shuffle ? "_shuffled" : "") + (labels ? "_labels" : ""), values,
           [=, type = type, labels = labels](Backend& backend, const Sizes& s, Values v) {
             return gather(backend, s, v, type, shuffle, labels);
           }});
    }
  for (bool last : {false, true})
    rows.push_back({std::string("end_step") + (last ? "_of_epoch" : ""),
                    {Values::random, Values::nan},
                    [last](Backend& backend, const Sizes& s, Values v) { return end_step(backend, s, v, last); }});
  return rows;
}

}  // namespace lacuna::test
