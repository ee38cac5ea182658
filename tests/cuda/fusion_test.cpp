// Operations that share a launch: what comes out is what they give one after another, in every schedule, and those that
// cannot share one do not.

#include <cmath>

#include "cuda/emulator.h"
#include "fuse.h"
#include "parity/operation_table.h"
#include "parity/plan_runner.h"

namespace lacuna::test {
namespace {

/// Operations on operands of their own, made anew for each run, and the results to look at.
struct Pair {
  std::vector<Operation> operations;
  std::vector<BufferId> exact;    ///< the same bits
  std::vector<BufferId> rounded;  ///< sums in double, which may be added in another order
};

enum class Carrier { bias_activation, dense_forward, top_k };

Pair code_with_penalty(PlanRunner& runner, const Sizes& s, Carrier carrier, Sparsity kind) {
  Operands operands(s, Values::random);
  const BufferId values = runner.matrix("values", operands.matrix(s.rows, s.columns, -2, 2));
  const BufferId sums = runner.result("sums", {s.columns});
  const BufferId abs_sums = kind == Sparsity::l1 ? runner.result("abs_sums", {s.columns}) : kNoBuffer;
  const BufferId scalars = runner.scalars(
      {.sample_count = static_cast<float>(s.rows), .kept_units = static_cast<float>((s.columns + 1) / 2)});
  SparsityPenalty penalty;
  penalty.kind = kind;
  penalty.column_sums = sums;
  penalty.column_abs_sums = abs_sums;
  penalty.scalars = scalars;
  penalty.l1 = 0.3;
  penalty.value = runner.result_value("value");
  penalty.mean_activation = runner.result_value("mean_activation");
  if (kind == Sparsity::kl) penalty.column_gradient = runner.result("column_gradient", {s.columns});

  Pair pair;
  if (carrier == Carrier::top_k) {
    pair.operations.push_back(TopK{values, scalars, kNoBuffer, sums, abs_sums});
  } else if (carrier == Carrier::bias_activation) {
    const BufferId bias = runner.vector("bias", operands.vector(s.columns, -1, 1));
    pair.operations.push_back(BiasActivation{values, bias, Activation::sigmoid, sums, abs_sums});
  } else {
    const BufferId weight = runner.matrix("weight", operands.matrix(s.columns, 3, -1, 1));
    const BufferId input = runner.matrix("input", operands.matrix(s.rows, 3, -1, 1));
    const BufferId bias = runner.vector("bias", operands.vector(s.columns, -1, 1));
    pair.operations.push_back(
        DenseForward{input, weight, bias, Activation::sigmoid, values, sums, abs_sums, WeightLayout::out_in});
  }
  pair.operations.push_back(penalty);
  pair.exact = {values, sums};
  if (kind == Sparsity::kl) pair.exact.push_back(penalty.column_gradient);
  pair.rounded = {penalty.value, penalty.mean_activation};
  return pair;
}

Pair gathered_step(PlanRunner& runner, const Sizes& s) {
  Operands operands(s, Values::random);
  const std::int64_t data_rows = 2 * s.rows + 3;
  const BufferId state = runner.state({.step = 6, .epoch = 3, .position = s.rows});
  const BufferId scalars = runner.scalars({});
  const BufferId data = runner.matrix("data", operands.matrix(data_rows, s.columns, 0, 1));
  const BufferId batch = runner.result("batch", {s.rows, s.columns});
  Optimizer optimizer;
  optimizer.schedule.warmup = 20;
  return {{BeginStep{state, scalars, s.rows, optimizer, {9, 4, 100}}, Gather{data, state, batch, true, 5}},
          {state, scalars, batch},
          {}};
}

Pair updated_step(PlanRunner& runner, const Sizes& s) {
  Operands operands(s, Values::random);
  const std::int64_t elements = s.rows * s.columns;
  const auto slab = [&](const char* name, double low) {
    return runner.vector(name, operands.vector(elements, low, 1));
  };
  UpdateParameters update;
  update.parameters = slab("parameters", -1);
  update.gradients = slab("gradients", -1);
  update.moment1 = slab("moment1", -1);
  update.moment2 = slab("moment2", 0);
  update.scalars = runner.scalars({.learning_rate = 0.1f,
                                   .adam_step_size = 0.2f,
                                   .adam_inv_sqrt_correction2 = 1.5f,
                                   .sample_count = static_cast<float>(s.rows)});
  update.ranges = {{0, elements, true}};
  update.weight_decay = 0.01;
  update.value = runner.result_value("weight_decay");
  EndStep end;
  end.state = runner.state({.step = 6, .epoch = 3, .position = 2});
  end.scalars = update.scalars;
  end.reconstruction = runner.doubles("reconstruction", {1}, {0.1});
  end.weight_decay = update.value;
  end.ring = runner.doubles("ring", {4, kStepLossTerms}, std::vector<double>(4 * kStepLossTerms, -1.0));
  end.data_rows = 2 + s.rows;
  return {{update, end}, {update.parameters, update.moment1, update.moment2, update.value, end.state, end.ring}, {}};
}

struct FusionCase {
  const char* name;
  std::function<Pair(PlanRunner&, const Sizes&)> make;
  std::uint64_t kernels;  ///< of the two together

  friend void PrintTo(const FusionCase& c, std::ostream* out) { *out << c.name; }
};

std::vector<FusionCase> fusion_cases() {
  const auto code = [](Carrier carrier, Sparsity kind) {
    return [=](PlanRunner& runner, const Sizes& s) { return code_with_penalty(runner, s, carrier, kind); };
  };
  return {{"kl_with_bias_activation", code(Carrier::bias_activation, Sparsity::kl), 1},
          {"l1_with_bias_activation", code(Carrier::bias_activation, Sparsity::l1), 1},
          {"kl_with_dense_forward", code(Carrier::dense_forward, Sparsity::kl), 1},
          {"mean_with_top_k", code(Carrier::top_k, Sparsity::topk), 2},
          {"begin_step_with_gather", gathered_step, 1},
          {"end_step_with_update", updated_step, 1}};
}

class Fusion : public Emulator, public testing::WithParamInterface<FusionCase> {};

TEST_P(Fusion, GivesWhatTheTwoGiveOneAfterAnother) {
  const auto backend = make_backend("cuda");
  for (const Sizes& sizes : {Sizes{1, 1}, Sizes{33, 127}, Sizes{100, 32}, Sizes{3, 1023}})
    for (const simt::Schedule& schedule : kSchedules) {
      simt::set_schedule(schedule);
      PlanRunner apart(*backend), together(*backend);
      const Pair one = GetParam().make(apart, sizes), two = GetParam().make(together, sizes);
      for (const Operation& operation : one.operations) apart.run(operation);
      simt::reset_counters();
      together.run(two.operations);
      EXPECT_EQ(simt::counters().launches, GetParam().kernels);
      SCOPED_TRACE(std::to_string(sizes.rows) + " x " + std::to_string(sizes.columns));
      for (std::size_t i = 0; i < one.exact.size(); ++i)
        EXPECT_EQ(together.read(two.exact[i]), apart.read(one.exact[i]));
      for (std::size_t i = 0; i < one.rounded.size(); ++i) {
        const double expected = apart.read(one.rounded[i])[0];
        EXPECT_NEAR(together.read(two.rounded[i])[0], expected, 1e-12 * std::abs(expected));
      }
    }
}

INSTANTIATE_TEST_SUITE_P(Each, Fusion, testing::ValuesIn(fusion_cases()),
                         [](const auto& instance) { return instance.param.name; });

// What is joined and what is not, on plans whose buffers are nothing but numbers.

constexpr BufferId kSums = 0, kOtherSums = 1, kSlope = 2, kScalars = 3, kState = 4;

std::size_t launches(std::vector<Operation> operations) {
  StepPlan plan;
  plan.operations = std::move(operations);
  return cuda::fuse(plan).size();
}

Operation code(BufferId sums) {
  DenseForward op;
  op.column_sums = sums;
  return op;
}

SparsityPenalty penalty_of(BufferId sums) {
  SparsityPenalty op;
  op.column_sums = sums;
  op.column_gradient = kSlope;
  return op;
}

TEST(FusionOfPlans, CarriesAPenaltyPastTheLayersBehindTheCode) {
  EXPECT_EQ(launches({code(kSums), DenseForward{}, SpreadChannels{}, ConvolutionForward{}, penalty_of(kSums)}), 4u);
}

TEST(FusionOfPlans, LeavesAPenaltyAloneWhereSomethingStandsBetween) {
  EXPECT_EQ(launches({code(kOtherSums), penalty_of(kSums)}), 2u);
  EXPECT_EQ(launches({code(kSums), SumChannels{}, penalty_of(kSums)}), 3u);
  EXPECT_EQ(launches({code(kSums), BeginStep{}, penalty_of(kSums)}), 3u);
  EXPECT_EQ(launches({code(kSums), SpreadChannels{kSlope, 7}, penalty_of(kSums)}), 3u);
}

TEST(FusionOfPlans, LeavesThePenaltyOfChannelsAlone) {
  SparsityPenalty channels = penalty_of(kSums);
  channels.positions = 4;
  EXPECT_EQ(launches({code(kSums), channels}), 2u);
}

TEST(FusionOfPlans, NeedsTheMagnitudesFromTheSameOperation) {
  SparsityPenalty l1 = penalty_of(kSums);
  l1.column_abs_sums = kOtherSums;
  EXPECT_EQ(launches({code(kSums), l1}), 2u);
}

TEST(FusionOfPlans, CarriesOnePenaltyOnly) {
  EXPECT_EQ(launches({code(kSums), penalty_of(kSums), penalty_of(kSums)}), 2u);
}

TEST(FusionOfPlans, BeginsAStepWithItsOwnBatchOnly) {
  BeginStep begin;
  begin.state = kState;
  Gather gather, other;
  gather.state = kState;
  EXPECT_EQ(launches({begin, gather}), 1u);
  EXPECT_EQ(launches({begin, other}), 2u);
  EXPECT_EQ(launches({begin, Noise{}, gather}), 3u);
}

TEST(FusionOfPlans, EndsAStepWithTheUpdateOnly) {
  EXPECT_EQ(launches({UpdateParameters{}, EndStep{}}), 1u);
  EXPECT_EQ(launches({DecayGradients{}, EndStep{}}), 2u);
  EXPECT_EQ(launches({UpdateParameters{}, Noise{}, EndStep{}}), 3u);
}

}  // namespace
}  // namespace lacuna::test
