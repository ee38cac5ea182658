#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>

#include "train/run.h"
#include "unit/io_support.h"

namespace lacuna {
namespace {

using test::TemporaryDirectory;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Silent : public RunObserver {
 public:
  std::vector<std::string> remarks;

 private:
  void on_progress(const RunProgress&) override {}
  void on_epoch(const EpochMetrics&, const RunProgress&) override {}
  void on_remark(const std::string& remark) override { remarks.push_back(remark); }
};

/// Runs whose validation losses, or accuracies, are written down beforehand.
class EarlyStopping : public ::testing::Test {
 protected:
  RunOutcome go(const std::vector<double>& script, std::int64_t patience, bool accuracy = false, bool resume = false) {
    Model model(Network::autoencoder(784, {4}));
    initialize(model, {}, 1);
    Trainer trainer(*backend_, model, data_, {});
    RunDirectory run(directory_.path());
    run.open();
    if (resume) restore_newest(trainer, run, data_.rows(), [](const std::string& what) { throw Error(what); });
    RunPlan plan{static_cast<std::int64_t>(script.size()), data_.rows()};
    plan.patience = patience;
    plan.judge = [&](const Model&, EpochMetrics& metrics) {
      const double value = script.at(static_cast<std::size_t>(metrics.epoch - 1));
      (accuracy ? metrics.validation_accuracy : metrics.validation_loss) = value;
    };
    Silent observer;
    const std::atomic<bool> stop{false};
    const RunOutcome outcome = run_training(trainer, run, plan, observer, stop);
    remarks_ = observer.remarks;
    return outcome;
  }
  RunOutcome resume(const std::vector<double>& script, std::int64_t patience) {
    return go(script, patience, false, true);
  }
  void lose_checkpoint(int epoch) const {
    std::filesystem::remove(directory_ / ("checkpoints/epoch-000" + std::to_string(epoch) + ".safetensors"));
  }
  Model best() const { return load_model(directory_ / "best.safetensors"); }
  Model after(int epoch) const {
    return load_checkpoint(directory_ / ("checkpoints/epoch-000" + std::to_string(epoch) + ".safetensors")).model;
  }
  bool exists(const std::string& name) const { return std::filesystem::exists(directory_ / name); }

  std::vector<std::string> remarks_;
  TemporaryDirectory directory_;
  std::unique_ptr<Backend> backend_ = make_backend("cpu", {.threads = 1});
  Dataset data_ = synthetic_digits(30);
};

TEST_F(EarlyStopping, EndsAfterThatManyEpochsWithoutABetterOneAndKeepsTheBest) {
  const RunOutcome outcome = go({5, 3, 4, 3, 3.5, 1, 1}, 3);
  EXPECT_EQ(outcome.position.epoch, 5);
  EXPECT_FALSE(outcome.interrupted);
  EXPECT_THAT(outcome.finished, HasSubstr("3 epochs were not better than epoch 2"));
  ASSERT_TRUE(outcome.best_epoch);
  EXPECT_EQ(outcome.best_epoch->epoch, 2) << "as good is not better";
  EXPECT_EQ(best().parameters, after(2).parameters);
  EXPECT_NE(best().parameters, after(5).parameters);
}

TEST_F(EarlyStopping, OfAccuraciesTheLargestIsTheBest) {
  const RunOutcome outcome = go({0.5, 0.9, 0.7, 0.95, 0.9, 0.9, 0.99}, 2, true);
  EXPECT_EQ(outcome.position.epoch, 6);
  EXPECT_EQ(outcome.best_epoch->epoch, 4);
  EXPECT_EQ(best().parameters, after(4).parameters);
}

TEST_F(EarlyStopping, ARunThatKeepsImprovingGoesToTheEnd) {
  const RunOutcome outcome = go({5, 4, 3}, 1);
  EXPECT_EQ(outcome.position.epoch, 3);
  EXPECT_EQ(outcome.finished, "");
  EXPECT_EQ(outcome.best_epoch->epoch, 3);
}

TEST_F(EarlyStopping, WithoutPatienceNothingIsKept) {
  const RunOutcome outcome = go({1, 2, 3}, 0);
  EXPECT_EQ(outcome.position.epoch, 3);
  EXPECT_FALSE(outcome.best_epoch);
  EXPECT_FALSE(exists("best.safetensors"));
}

TEST_F(EarlyStopping, AResumedRunRemembersTheBestOfTheEpochsBefore) {
  go({5, 2, 3}, 3);  // ends with its epochs
  const std::vector<float> second = best().parameters;
  const RunOutcome outcome = go({5, 2, 3, 3, 3, 1}, 3, false, true);
  EXPECT_EQ(outcome.position.epoch, 5);
  EXPECT_EQ(outcome.best_epoch->epoch, 2);
  EXPECT_EQ(best().parameters, second);
  // Once more: there is no patience left, so nothing is done.
  const RunOutcome again = go({5, 2, 3, 3, 3, 1}, 3, false, true);
  EXPECT_EQ(again.position.epoch, 5);
  EXPECT_THAT(again.finished, HasSubstr("epoch 2"));
  EXPECT_GT(again.training_seconds, 0) << "of the epochs before";
}

TEST_F(EarlyStopping, ABetterEpochAfterResumingReplacesTheBest) {
  go({5, 2, 3}, 3);
  const RunOutcome outcome = go({5, 2, 3, 1, 4}, 3, false, true);
  EXPECT_EQ(outcome.best_epoch->epoch, 4);
  EXPECT_EQ(best().parameters, after(4).parameters);
}

TEST_F(EarlyStopping, TheBestModelOfAnEpochThatIsDoneAgainIsReplacedByTheBestThatIsLeft) {
  go({5, 2, 3, 1}, 3);
  lose_checkpoint(4);  // best.safetensors is of epoch 4
  const RunOutcome outcome = resume({5, 2, 3, 3, 3, 3}, 3);
  EXPECT_EQ(outcome.best_epoch->epoch, 2);
  EXPECT_EQ(outcome.position.epoch, 5);
  EXPECT_EQ(best().parameters, after(2).parameters);
  EXPECT_THAT(remarks_, ::testing::IsEmpty());
}

TEST_F(EarlyStopping, WithoutTheBestModelTheComparisonBeginsAnew) {
  go({5, 2, 3, 1}, 3);
  lose_checkpoint(2);
  lose_checkpoint(4);
  const RunOutcome outcome = resume({5, 2, 3, 4, 4, 4, 4, 4}, 3);
  EXPECT_EQ(outcome.best_epoch->epoch, 3);
  EXPECT_EQ(outcome.position.epoch, 6);
  EXPECT_EQ(best().parameters, after(3).parameters);
  ASSERT_EQ(remarks_.size(), 1u);
  EXPECT_THAT(remarks_[0], AllOf(HasSubstr("epoch, 2,"), HasSubstr("from epoch 3 on")));

  lose_checkpoint(3);  // best.safetensors is what there is of it
  const std::vector<float> third = best().parameters;
  const RunOutcome again = resume({5, 2, 3, 4, 4, 4, 4, 4}, 3);
  EXPECT_EQ(again.best_epoch->epoch, 3);
  EXPECT_EQ(again.position.epoch, 6) << "there is no patience left";
  EXPECT_EQ(best().parameters, third);
  EXPECT_THAT(remarks_, ::testing::IsEmpty());
}

TEST_F(EarlyStopping, ALostBestModelComesBackFromItsCheckpoint) {
  go({5, 2, 3}, 3);
  std::filesystem::remove(directory_ / "best.safetensors");
  EXPECT_EQ(resume({5, 2, 3, 3}, 3).best_epoch->epoch, 2);
  EXPECT_EQ(best().parameters, after(2).parameters);
}

TEST_F(EarlyStopping, ALossThatIsNotFiniteIsWorseThanAnyOther) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(go({nan, 5, nan, 4, nan}, 3).best_epoch->epoch, 4);
  EXPECT_EQ(best().parameters, after(4).parameters);
  const RunOutcome outcome = resume({nan, 5, nan, 4, nan, 4, 4, 4}, 3);
  EXPECT_EQ(outcome.best_epoch->epoch, 4);
  EXPECT_EQ(outcome.position.epoch, 7);
}

TEST_F(EarlyStopping, TheBestModelIsThereBeforeItsCheckpoint) {
  // Where the best model cannot be written, there is no checkpoint that would claim that it was.
  std::filesystem::create_directory(directory_ / "best.safetensors");
  std::ofstream(directory_ / "best.safetensors/x") << "x";
  EXPECT_THROW(go({5, 4}, 1), Error);
  EXPECT_FALSE(exists("checkpoints/epoch-0001.safetensors"));
}

TEST(MetricsLog, ALossThatIsNotFiniteComesBackAsNaN) {
  const TemporaryDirectory directory;
  EpochMetrics one{1, 10, 0.75, 0.5, 0, 0.25, 0, 2.5, 400};
  one.validation_loss = std::numeric_limits<double>::infinity();
  EpochMetrics two = one;
  two.epoch = 2;
  two.validation_loss = 0.5;
  {
    MetricsLog log(directory / "metrics.jsonl", 0);
    log.append(one);
    log.append(two);
  }
  const std::string text = test::get_bytes(directory / "metrics.jsonl");
  const MetricsLog again(directory / "metrics.jsonl", 2);
  ASSERT_EQ(again.all().size(), 2u);
  ASSERT_TRUE(again.all()[0].validation_loss);
  EXPECT_TRUE(std::isnan(*again.all()[0].validation_loss));
  EXPECT_EQ(again.all()[1].validation_loss, 0.5);
  EXPECT_EQ(test::get_bytes(directory / "metrics.jsonl"), text) << "nothing was cut off";
}

TEST(MetricsLog, RowsOfClassifiersComeBack) {
  const TemporaryDirectory directory;
  EpochMetrics one{1, 10, 0.75, 0.5, 0, 0.25, 0, 2.5, 400};
  one.training_error = 0.125;
  one.validation_accuracy = 0.875;
  EpochMetrics two = one;
  two.epoch = 2;
  two.test_accuracy = 0.75;
  two.validation_accuracy.reset();
  {
    MetricsLog log(directory / "metrics.jsonl", 0);
    log.append(one);
    log.append(two);
  }
  const std::string text = test::get_bytes(directory / "metrics.jsonl");
  EXPECT_THAT(text, HasSubstr("\"cross_entropy\":0.5"));
  EXPECT_THAT(text, Not(HasSubstr("reconstruction")));
  EXPECT_THAT(text, Not(HasSubstr("mean_activation")));
  const MetricsLog again(directory / "metrics.jsonl", 2);
  ASSERT_EQ(again.all().size(), 2u);
  EXPECT_EQ(again.all()[0].reconstruction, 0.5);
  EXPECT_EQ(again.all()[0].training_error, 0.125);
  EXPECT_EQ(again.all()[0].validation_accuracy, 0.875);
  EXPECT_FALSE(again.all()[0].test_accuracy);
  EXPECT_EQ(again.last()->test_accuracy, 0.75);
  EXPECT_FALSE(again.last()->validation_accuracy);
  const MetricsLog shorter(directory / "metrics.jsonl", 1);
  EXPECT_EQ(shorter.all().size(), 1u);
  EXPECT_EQ(std::ranges::count(test::get_bytes(directory / "metrics.jsonl"), '\n'), 1);
}

}  // namespace
}  // namespace lacuna
