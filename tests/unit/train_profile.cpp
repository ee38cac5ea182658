#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "lacuna/trainer.h"
#include "train/ceilings.h"
#include "train/step_profile.h"

namespace lacuna {
namespace {

using ::testing::HasSubstr;

constexpr std::int64_t kBatch = 10, kHidden = 4, kFeatures = 784;

StepPlan training_plan() {
  TrainerOptions options;
  options.batch = kBatch;
  return build_training_plan(Network::autoencoder(kFeatures, {kHidden}), options, kBatch, 50, DType::u8, 256);
}

OperationWork work_named(const StepPlan& plan, const std::string& name) {
  for (const Operation& operation : plan.operations)
    if (const OperationWork work = work_of(plan, operation); work.name == name) return work;
  ADD_FAILURE() << name << " is not in\n" << plan.describe();
  return {};
}

TEST(OperationWork, IsThatOfTheFormulas) {
  const StepPlan plan = training_plan();
  const double samples = kBatch, units = kHidden, features = kFeatures;
  EXPECT_EQ(work_named(plan, "gather batch").bytes, samples * features * (1 + 4));
  EXPECT_EQ(work_named(plan, "gather batch").flop, 0);
  const OperationWork forward = work_named(plan, "dense_forward encoder.0.output");
  EXPECT_EQ(forward.flop, 2 * samples * features * units);
  EXPECT_EQ(forward.bytes, 4 * (samples * features + units * features + units + samples * units));
  double flop = 0;
  for (const Operation& operation : plan.operations) flop += work_of(plan, operation).flop;
  EXPECT_EQ(flop, 5 * 2 * samples * features * units) << "five products make a step";
  const double slab = static_cast<double>(plan[plan.find("parameters")].bytes());
  EXPECT_EQ(work_named(plan, "update_parameters").bytes, 7 * slab) << "three read and written, the gradient read";
}

TEST(OperationWork, OfConvolutionsAndTheirMirrorImages) {
  const Convolution forward{1, 28, 28, 16, 3, 2, 1};
  const Network network = Network::convolutional({forward}, Activation::relu, Activation::relu);
  TrainerOptions options;
  options.objective.sparsity = Sparsity::none;
  const StepPlan plan = build_training_plan(network, options, kBatch, 50, DType::u8, 256);
  const double product = 2.0 * kBatch * 14 * 14 * 16 * 3 * 3;  // every output pixel of every channel sums nine
  EXPECT_EQ(work_named(plan, "convolution_forward encoder.0.output").flop, product);
  double all = 0;
  for (const Operation& operation : plan.operations) all += work_of(plan, operation).flop;
  EXPECT_EQ(all, 5 * product);
}

/// Twenty-five steps of a plan whose second operation is part of its first: 3 us, and in the warm-up 1 ms.
StepProfile made_up_profile() {
  StepProfile profile;
  profile.plan = training_plan();
  double now = 0;
  for (int step = 0; step < 25; ++step)
    for (std::int32_t i = 0; i < static_cast<std::int32_t>(profile.plan.operations.size()); ++i) {
      if (i == 1) continue;
      const double seconds = step < 5 ? 1e-3 : i == 0 ? 3e-6 : 1e-6;
      profile.times.push_back({i, now, seconds});
      now += seconds;
    }
  return profile;
}

TEST(StepProfile, AveragesWithoutTheWarmUp) {
  const StepProfile profile = made_up_profile();
  const Ceilings ceilings{1e9, 1e9, 1e-7, 128};
  const ProfileSummary summary = summarize(profile, ceilings);
  EXPECT_EQ(summary.warm_up, 5) << "a fifth of 25";
  EXPECT_EQ(summary.steps, 20);
  EXPECT_NEAR(summary.rows[0].seconds, 3e-6, 1e-12);
  EXPECT_TRUE(summary.rows[1].within_another);
  EXPECT_EQ(summary.rows[1].floor, 0);
  EXPECT_NEAR(summary.seconds, (3.0 + static_cast<double>(summary.rows.size()) - 2) * 1e-6, 1e-12);
  double shares = 0;
  for (const ProfileRow& row : summary.rows) shares += row.share;
  EXPECT_NEAR(shares, 1, 1e-12);
  EXPECT_EQ(summary.rows[0].floor, 1e-7) << "begin_step does next to nothing";
  for (const ProfileRow& row : summary.rows)
    EXPECT_TRUE(row.work.flop <= row.work.bytes || row.floor == row.work.flop / 1e9) << row.work.name;
}

TEST(StepProfile, TableNamesEachOperation) {
  const StepProfile profile = made_up_profile();
  const Ceilings ceilings{1e9, 1e9, 1e-7, 128};
  std::string text;
  for (const std::string& line : profile_table(summarize(profile, ceilings), ceilings)) text += line + "\n";
  for (const Operation& operation : profile.plan.operations)
    EXPECT_THAT(text, HasSubstr(work_of(profile.plan, operation).name));
  EXPECT_THAT(text, HasSubstr("in another"));
  EXPECT_THAT(text, HasSubstr("means of 20 steps after 5"));
}

TEST(StepProfile, TraceHasTheLastStepsWithTheirOperationsInside) {
  const StepProfile profile = made_up_profile();
  const auto trace = nlohmann::json::parse(chrome_trace(profile, "a device"));
  int steps = 0, operations = 0;
  double begin = 0, end = 0;
  for (const auto& event : trace["traceEvents"]) {
    if (event["ph"] != "X") continue;
    const double at = event["ts"], until = at + event["dur"].get<double>();
    if (event["cat"] == "step") {
      EXPECT_EQ(event["name"], "step " + std::to_string(6 + steps++));
      EXPECT_GE(at, end - 1e-6);
      begin = at;
      end = until;
    } else {
      ++operations;
      EXPECT_GE(at, begin - 1e-6);
      EXPECT_LE(until, end + 1e-6);
    }
  }
  EXPECT_EQ(steps, 20);
  EXPECT_EQ(operations, 20 * static_cast<int>(profile.plan.operations.size() - 1));
}

TEST(StepProfile, OfNothingIsEmpty) {
  const ProfileSummary summary = summarize({training_plan(), {}}, {1, 1, 1, 1});
  EXPECT_EQ(summary.steps, 0);
  EXPECT_EQ(summary.seconds, 0);
}

TEST(Ceilings, ArePositiveAndFinite) {
  const auto backend = make_backend("cpu", {.threads = 1});
  const Ceilings found = measure_ceilings(*backend, 1e5);
  for (const double value : {found.flop_per_second, found.bytes_per_second, found.operation_seconds}) {
    EXPECT_GT(value, 0);
    EXPECT_TRUE(std::isfinite(value));
  }
  EXPECT_GE(found.product, 128);
}

class TimedSteps : public ::testing::Test {
 protected:
  static Model initial() {
    Model model(Network::autoencoder(kFeatures, {kHidden}));
    initialize(model, {}, 1);
    return model;
  }
  std::unique_ptr<Backend> backend = make_backend("cpu", {.threads = 1});
  Dataset data = synthetic_digits(55);  // five batches, and one of half the size
};

TEST_F(TimedSteps, TrainAsOthersDo) {
  TrainerOptions options;
  options.batch = kBatch;
  Trainer plain(*backend, initial(), data, options), timed(*backend, initial(), data, options);
  StepProfile profile;
  timed.profile(7, profile);
  const auto expected = plain.run(12), losses = timed.run(12);
  for (std::size_t i = 0; i < 12; ++i) EXPECT_EQ(losses[i].total(), expected[i].total());
  EXPECT_EQ(timed.model().parameters, plain.model().parameters);

  ASSERT_FALSE(profile.times.empty());
  const ProfileSummary summary = summarize(profile, {1e12, 1e12, 0, 128});
  EXPECT_EQ(summary.steps + summary.warm_up, 7) << "the small batch among them is not timed";
  for (const ProfileRow& row : summary.rows) EXPECT_TRUE(row.within_another || row.seconds > 0) << row.work.name;
  for (std::size_t i = 1; i < profile.times.size(); ++i)
    EXPECT_GE(profile.times[i].begin, profile.times[i - 1].begin + profile.times[i - 1].seconds - 1e-9);
}

TEST_F(TimedSteps, AreNotThoseOfLbfgs) {
  TrainerOptions options;
  options.optimizer.kind = OptimizerKind::lbfgs;
  Trainer trainer(*backend, initial(), data, options);
  StepProfile profile;
  EXPECT_THROW(trainer.profile(1, profile), InputError);
}

}  // namespace
}  // namespace lacuna
