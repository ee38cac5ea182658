// Training and evaluation on samples that stay in their file, held against the same samples in memory.

#include <gmock/gmock.h>

#include <chrono>
#include <cstring>
#include <fstream>
#include <limits>
#include <thread>

#include "data/window_order.h"
#include "data_support.h"
#include "lacuna/npy.h"
#include "lacuna/trainer.h"
#include "support/forwarding_backend.h"
#include "train/sample_reader.h"
#include "train/sample_stream.h"

namespace lacuna::test {
namespace {

using testing::HasSubstr;

constexpr std::int64_t kRows = 337, kColumns = 12;

class Streamed : public testing::Test {
 protected:
  Streamed() {
    values.resize(kRows * kColumns);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i * 7919 % 4096) / 4096.0f;
    for (std::int64_t i = 0; i < kRows; ++i) labels.push_back(static_cast<std::int32_t>(i % 3));
    write();
  }
  void write() { write_npy(scratch / "x.npy", ConstTensorView(values.data(), DType::f32, {kRows, kColumns})); }

  Dataset in_memory() const { return open_dataset("npy:" + scratch / "x.npy").with_labels(labels); }
  Dataset streamed(std::int64_t window) const {
    const DataOptions options{.stream = Streaming::on, .window = {.samples = window}};
    return open_dataset("npy:" + scratch / "x.npy", options).with_labels(labels);
  }
  /// The samples in the order in which epochs use them, one epoch after another: training on them without shuffling in
  /// one epoch is what training on the stream must be.
  Dataset in_order(std::int64_t window, std::uint64_t seed, std::int64_t epoch) const {
    const data::WindowOrder order(kRows, window, kColumns * 4, true, seed);
    std::vector<std::int64_t> rows;
    for (std::int64_t i = 0; i < kRows; ++i) rows.push_back(order.row(epoch, i));
    return in_memory().select(rows);
  }

  static Model model(bool classifier = false) {
    Model made(classifier ? Network::classifying({{kColumns, 5, Activation::sigmoid}}, kColumns, 3)
                          : Network::autoencoder(kColumns, {5}));
    initialize(made, {}, 1);
    return made;
  }
  static TrainerOptions options(std::int64_t batch, bool shuffle) {
    TrainerOptions some;
    some.batch = batch;
    some.shuffle = shuffle;
    some.seed = 9;
    return some;
  }
  std::vector<float> train(const Dataset& data, const TrainerOptions& options, std::int64_t steps,
                           const Model& start) const {
    Trainer trainer(*backend, start, data, options);
    EXPECT_EQ(static_cast<std::int64_t>(trainer.run(steps).size()), steps);
    return trainer.model().parameters;
  }

  ScratchDirectory scratch;
  std::vector<float> values;
  std::vector<std::int32_t> labels;
  std::unique_ptr<Backend> backend = make_backend("cpu", {.threads = 1});
};

TEST_F(Streamed, WithoutShufflingGivesTheBitsOfMemory) {
  for (const auto& [batch, window] : {std::pair<std::int64_t, std::int64_t>{10, 40}, {100, 7}, {337, 1}, {13, 1000}})
    EXPECT_EQ(train(streamed(window), options(batch, false), 90, model()),
              train(in_memory(), options(batch, false), 90, model()))
        << "batch " << batch << ", window " << window;
}

TEST_F(Streamed, AWindowThatHoldsEverythingGivesTheBitsOfMemory) {
  for (std::int64_t batch : {10, 100, 400})
    EXPECT_EQ(train(streamed(kRows), options(batch, true), 90, model()),
              train(in_memory(), options(batch, true), 90, model()))
        << "batch " << batch;
}

TEST_F(Streamed, UsesTheOrderOfItsWindows) {
  for (const auto& [batch, window] : {std::pair<std::int64_t, std::int64_t>{10, 64}, {50, 20}, {7, 130}}) {
    const std::int64_t steps = (kRows + batch - 1) / batch;
    Trainer trainer(*backend, model(), streamed(window), options(batch, true));
    Model expected = model();
    std::vector<std::vector<float>> moments;
    StepState position;
    for (std::int64_t epoch = 0; epoch < 3; ++epoch) {
      trainer.run(steps);
      const Dataset expected_order = in_order(window, 9, epoch);
      Trainer one(*backend, model(), expected_order, options(batch, false));
      if (epoch > 0) one.restore({expected, moments, {}, position, {}});
      one.run(steps);
      const TrainingState state = one.state();
      expected = state.model;
      moments = state.moments;
      position = state.position;
      ASSERT_EQ(trainer.model().parameters, expected.parameters) << "batch " << batch << ", epoch " << epoch;
    }
    EXPECT_EQ(trainer.position().epoch, 3);
    EXPECT_EQ(trainer.position().position, 0);
    EXPECT_EQ(trainer.position().step, 3 * steps);
  }
}

TEST_F(Streamed, LabelsComeWithTheirSamples) {
  EXPECT_EQ(train(streamed(kRows), options(10, true), 90, model(true)),
            train(in_memory(), options(10, true), 90, model(true)));
  const std::int64_t steps = (kRows + 9) / 10;
  EXPECT_EQ(train(streamed(64), options(10, true), steps, model(true)),
            train(in_order(64, 9, 0), options(10, false), steps, model(true)));
}

TEST_F(Streamed, GoesOnFromAnyStep) {
  const Dataset data = streamed(64);
  for (std::int64_t before : {1, 9, 33, 34, 40, 68}) {
    Trainer whole(*backend, model(), data, options(10, true));
    whole.run(before);
    const TrainingState state = whole.state();
    EXPECT_EQ(state.position.position, before % 34 * 10);
    whole.run(50);
    Trainer resumed(*backend, model(), data, options(10, true));
    resumed.run(3);  // somewhere else
    resumed.restore(state);
    resumed.run(50);
    EXPECT_EQ(resumed.model().parameters, whole.model().parameters) << "after " << before << " steps";
    EXPECT_EQ(resumed.position().position, whole.position().position);
    EXPECT_EQ(resumed.epoch_means().loss(), whole.epoch_means().loss());
  }
}

TEST_F(Streamed, IsEvaluatedAsMemoryIs) {
  const Dataset memory = in_memory(), stream = streamed(50);
  for (std::int64_t batch : {1, 60, 1000}) {
    Evaluator a(*backend, model(), memory, batch), b(*backend, model(), stream, batch);
    std::vector<double> means_a, means_b;
    for (int again = 0; again < 2; ++again) {
      EXPECT_EQ(a.loss({}, &means_a).total(), b.loss({}, &means_b).total());
      EXPECT_EQ(means_a, means_b);
    }
    const Evaluation from_memory = a.evaluate({}), from_stream = b.evaluate({});
    EXPECT_EQ(from_memory.loss.total(), from_stream.loss.total());
    EXPECT_EQ(from_memory.explained_variance.value(), from_stream.explained_variance.value());
    std::vector<float> codes_a, codes_b;
    a.encode([&](const float* v, std::int64_t rows) { codes_a.insert(codes_a.end(), v, v + rows * 5); });
    b.encode([&](const float* v, std::int64_t rows) { codes_b.insert(codes_b.end(), v, v + rows * 5); });
    EXPECT_EQ(codes_a.size(), static_cast<std::size_t>(kRows * 5));
    EXPECT_EQ(codes_a, codes_b);
    Evaluator c(*backend, model(true), memory, batch), d(*backend, model(true), stream, batch);
    EXPECT_EQ(c.loss({}).correct, d.loss({}).correct);
    EXPECT_EQ(c.loss({}).total(), d.loss({}).total());
  }
}

/// A device with memory of its own, and what a stream asks of it.
class RecordingBackend : public ForwardingBackend {
 public:
  int sent = 0, received = 0, labels_placed = 0;

  std::unique_ptr<DeviceBuffer> place(const void* data, std::int64_t bytes, const std::string& purpose) override {
    if (purpose == "the labels") ++labels_placed;
    return ForwardingBackend::place(data, bytes, purpose);
  }
  std::unique_ptr<Feed> feed(std::int64_t bytes, const std::string& purpose) override {
    return std::make_unique<CopyingFeed>(*this, ForwardingBackend::feed(bytes, purpose), bytes);
  }

 private:
  /// Copies at once.
  class CopyingFeed : public Feed {
   public:
    CopyingFeed(RecordingBackend& backend, std::unique_ptr<Feed> device, std::int64_t bytes)
        : backend_(backend), device_(std::move(device)), staging_(static_cast<std::size_t>(bytes)) {}
    DeviceBuffer& buffer() override { return device_->buffer(); }
    std::byte* staging() override { return staging_.data(); }
    std::int64_t mark() override { return 1; }
    void send(std::int64_t offset, std::int64_t bytes, std::int64_t) override {
      ++backend_.sent;
      std::memcpy(device_->staging() + offset, staging_.data() + offset, static_cast<std::size_t>(bytes));
    }
    void receive() override { ++backend_.received; }
    void wait_sent() override {}

   private:
    RecordingBackend& backend_;
    std::unique_ptr<Feed> device_;
    std::vector<std::byte> staging_;
  };
};

TEST_F(Streamed, WaitsForACopyWhenItsRowsAreNeeded) {
  RecordingBackend device;
  const Dataset data = streamed(40);
  SampleStream stream(device, data, 10, {.window = 40});
  stream.seek(0, 0);
  int ahead = 0;
  std::int64_t used = 0, there = 0;
  while (used < kRows) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // for the reader to be ahead
    const std::int64_t rows = std::min<std::int64_t>(10, kRows - used);
    const int sent = device.sent, received = device.received;
    const std::int64_t ready = stream.ready(rows, kRows);
    EXPECT_EQ(device.received - received, used + rows > there ? 1 : 0) << "at sample " << used;
    if (device.sent > sent && device.received == received) ++ahead;
    there = used + ready;
    stream.used(rows);
    used += rows;
  }
  EXPECT_GT(ahead, 0) << "no window was copied before it was needed";
}

TEST_F(Streamed, GivesTheSameBitsWhereItIsCopied) {
  RecordingBackend device;
  Trainer there(device, model(true), streamed(64), options(10, true)),
      here(*backend, model(true), streamed(64), options(10, true));
  EXPECT_EQ(there.run(80).back().total(), here.run(80).back().total());
  EXPECT_EQ(there.model().parameters, here.model().parameters);
  Evaluator evaluator(device, model(true), streamed(16), 10);
  EXPECT_EQ(evaluator.loss({}).total(), Evaluator(*backend, model(true), in_memory(), 10).loss({}).total());
  EXPECT_EQ(device.labels_placed, 0) << "they are streamed with the samples";
}

TEST_F(Streamed, SaysHowItReads) {
  Trainer trainer(*backend, model(), streamed(64), options(10, true));
  EXPECT_THAT(trainer.remarks(), testing::Contains(HasSubstr("in 6 windows of up to 57")));
}

TEST_F(Streamed, LbfgsNeedsMemory) {
  TrainerOptions full = options(10, false);
  full.optimizer.kind = OptimizerKind::lbfgs;
  EXPECT_THROW(Trainer(*backend, model(), streamed(64), full), InputError);
}

TEST_F(Streamed, AValueThatCannotBeUsedIsNamedWhenItIsRead) {
  const auto failure = [&](const TrainerOptions& some) -> std::string {
    Trainer trainer(*backend, model(), streamed(40), some);
    try {
      trainer.run(34);
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  };
  values[200 * kColumns + 3] = -0.5f;
  values[201 * kColumns] = -0.0f;
  write();
  EXPECT_EQ(failure(options(10, true)), "");
  TrainerOptions bce = options(10, true);
  bce.objective.loss = Loss::bce;
  EXPECT_THAT(failure(bce), HasSubstr("row 200, column 3 is -0.5: the loss \"bce\" needs values in [0, 1]"));
  Evaluator evaluator(*backend, model(), streamed(40), 10);
  EXPECT_GT(evaluator.loss(options(10, true).objective).total(), 0);
  EXPECT_THROW(evaluator.loss(bce.objective), InputError);
  EXPECT_GT(evaluator.loss(options(10, true).objective).total(), 0) << "asked for something else, it goes on";
  values[200 * kColumns + 3] = -std::numeric_limits<float>::infinity();
  write();
  EXPECT_THAT(failure(options(10, true)), HasSubstr("row 200, column 3 is -inf: values must be finite"));
}

TEST_F(Streamed, AFileThatIsCutShortStopsTheRunWithTheOffset) {
  Trainer trainer(*backend, model(), streamed(40), options(10, false));
  trainer.run(1);
  std::filesystem::resize_file(scratch / "x.npy", 9000);
  try {
    trainer.run(1000);
    FAIL();
  } catch (const InputError&) {
    FAIL() << "it could be used when it was opened";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("x.npy was cut short while it was read: nothing is left at byte "));
  }
}

/// The reader by itself: a slow user, who is never overtaken.
TEST_F(Streamed, NothingIsWrittenOverBeforeItWasUsed) {
  const Dataset data = streamed(30);
  const data::WindowOrder order(kRows, 30, kColumns * 4, true, 4);
  const std::int64_t batch = 8, rows = SampleReader::ring_rows(order, batch);
  std::vector<float> memory(static_cast<std::size_t>(rows * kColumns));
  SampleReader reader(data, order, batch, {reinterpret_cast<std::byte*>(memory.data()), nullptr, rows}, false);
  std::int64_t epoch = 2, position = 96, count = 0;
  reader.start(epoch, position, false);
  for (int step = 0; step < 200; ++step) {
    const std::int64_t here = std::min(batch, kRows - position);
    ASSERT_GE(reader.wait(count + here), count + here);
    if (step % 40 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    for (std::int64_t i = 0; i < here; ++i)
      ASSERT_EQ(std::memcmp(memory.data() + (count + i) % rows * kColumns,
                            values.data() + order.row(epoch, position + i) * kColumns, kColumns * sizeof(float)),
                0)
          << "epoch " << epoch << ", position " << position + i;
    position = (position + here) % kRows;
    epoch += position == 0 ? 1 : 0;
    count += batch;
    reader.release(count);
  }
}

TEST_F(Streamed, ReadsNothingBeyondAnEpochThatIsTheLast) {
  const Dataset data = streamed(1000);
  const data::WindowOrder order(kRows, 1000, kColumns * 4, false, 4);
  std::vector<float> memory(static_cast<std::size_t>(SampleReader::ring_rows(order, 1) * kColumns));
  SampleReader reader(data, order, 1, {reinterpret_cast<std::byte*>(memory.data()), nullptr, 2 * kRows + 2}, false);
  reader.start(0, 0, true);
  EXPECT_EQ(reader.wait(kRows), kRows);
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(reader.wait(kRows), kRows);
}

}  // namespace
}  // namespace lacuna::test
