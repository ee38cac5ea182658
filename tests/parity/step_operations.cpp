#include <cmath>

#include "lacuna/math/feistel.h"
#include "parity/operation_table.h"
#include "parity/plan_runner.h"

namespace lacuna::test {
namespace {

constexpr StepState kStart{.step = 6, .epoch = 3, .position = 5};

std::vector<double> as_doubles(const StepState& s) {
  return {static_cast<double>(s.step), static_cast<double>(s.epoch), static_cast<double>(s.position)};
}

Compared exactly(std::string what, std::vector<double> got, std::vector<double> expected) {
  std::vector<double> zero(expected.size(), 0.0);
  return {std::move(what), std::move(got), std::move(expected), std::move(zero)};
}

std::vector<Compared> begin_step(Backend& backend, const Sizes& s, Values) {
  PlanRunner runner(backend);
  BeginStep op;
  op.state = runner.state(kStart);
  op.scalars = runner.scalars({});
  op.rows = s.rows;
  op.optimizer = {.learning_rate = 0.03, .beta1 = 0.8, .beta2 = 0.99};
  runner.run(op, 4);
  const double t = 10.0;
  const double expected[] = {0.03, 0.03 / (1.0 - std::pow(0.8, t)), 1.0 / std::sqrt(1.0 - std::pow(0.99, t)),
                             static_cast<double>(s.rows)};
  const std::vector<double> got = runner.read(op.scalars);
  return {exactly("state", runner.read(op.state), as_doubles({.step = 10, .epoch = 3, .position = 5})),
          {"learning_rate", {got[0]}, {expected[0]}},
          {"adam_step_size", {got[1]}, {expected[1]}},
          {"adam_inv_sqrt_correction2", {got[2]}, {expected[2]}},
          exactly("sample_count", {got[3]}, {expected[3]})};
}

std::vector<Compared> gather(Backend& backend, const Sizes& s, Values values, DType type, bool shuffle) {
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
  runner.run(op);

  const math::FeistelOrder order(kSeed, static_cast<std::uint64_t>(kStart.epoch),
                                 static_cast<std::uint64_t>(data_rows));
  reference::Matrix expected(s.rows, s.columns), bounds(s.rows, s.columns);
  for (std::int64_t i = 0; i < s.rows; ++i)
    for (std::int64_t j = 0; j < s.columns; ++j) {
      const std::int64_t at = kStart.position + i;
      const auto row = shuffle ? static_cast<std::int64_t>(order(static_cast<std::uint64_t>(at))) : at;
      expected(i, j) = data(row, j);
      bounds(i, j) = type == DType::u8 ? kUlp * data(row, j) : 0.0;
    }
  return {{"batch", runner.read(op.batch), expected.values, bounds.values},
          exactly("state", runner.read(op.state), as_doubles(kStart))};
}

/// Ends a step at the last row of the data set, or one row before it.
std::vector<Compared> end_step(Backend& backend, const Sizes& s, Values values, bool last) {
  constexpr std::int64_t kCapacity = 4;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double reconstruction = values == Values::nan ? nan : 0.1;
  std::vector<double> ring(kCapacity * 5, -1.0);

  PlanRunner runner(backend);
  EndStep op;
  op.state = runner.state(kStart);
  op.scalars = runner.scalars({.sample_count = static_cast<float>(s.rows)});
  op.reconstruction = runner.doubles("reconstruction", {1}, {reconstruction});
  op.sparsity = runner.doubles("sparsity", {1}, {0.2});
  op.mean_activation = runner.doubles("mean_activation", {1}, {0.4});
  op.ring = runner.doubles("ring", {kCapacity, 5}, ring);
  op.data_rows = kStart.position + s.rows + (last ? 0 : 1);
  runner.run(op);

  const std::vector<double> slot{reconstruction, 0.2, 0.0, 0.4, static_cast<double>(s.rows)};
  std::copy(slot.begin(), slot.end(), ring.begin() + (kStart.step - 1) % kCapacity * 5);
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
  std::vector<OperationCase> rows{{"begin_step", {Values::random}, begin_step},
                                  {"fill_uniform", {Values::random}, fill_uniform}};
  for (bool shuffle : {false, true})
    for (DType type : {DType::u8, DType::f32}) {
      std::vector<Values> values{Values::random, Values::zeros};
      if (type == DType::f32) values.push_back(Values::nan);
      rows.push_back(
          {std::string("gather_") + to_string(type) + (shuffle ? "_shuffled" : ""), values,
           [=](Backend& backend, const Sizes& s, Values v) { return gather(backend, s, v, type, shuffle); }});
    }
  for (bool last : {false, true})
    rows.push_back({std::string("end_step") + (last ? "_of_epoch" : ""),
                    {Values::random, Values::nan},
                    [last](Backend& backend, const Sizes& s, Values v) { return end_step(backend, s, v, last); }});
  return rows;
}

}  // namespace lacuna::test
