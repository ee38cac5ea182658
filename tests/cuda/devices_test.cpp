// A run begun on one backend goes on on the other.

#include "cuda/emulator.h"
#include "parity/training_run.h"

namespace lacuna::test {
namespace {

class AcrossDevices : public Emulator {};

TEST_F(AcrossDevices, ARunGoesOnOnTheOther) {
  TrainingRun run{.start = random_model(Network::autoencoder(60, {20}), 1),
                  .data = random_dataset(130, 60, DType::u8, 2),
                  .options = {.objective = {}, .optimizer = {.learning_rate = 0.01}, .batch = 32, .seed = 5},
                  .steps = 20};
  const TrainingResult expected = train_reference(run);
  for (const bool begin_on_cpu : {true, false}) {
    const auto first = make_backend(begin_on_cpu ? "cpu" : "cuda", 1),
               second = make_backend(begin_on_cpu ? "cuda" : "cpu", 1);
    Trainer begun(*first, run.start, run.data, run.options), ended(*second, run.start, run.data, run.options);
    TrainingResult joined{begun.run(11), {}};
    ended.restore(begun.state());
    for (const StepLoss& loss : ended.run(9)) joined.losses.push_back(loss);
    joined.parameters = parameters_of(ended.model());
    expect_same_training(run, joined, expected);
  }
}

}  // namespace
}  // namespace lacuna::test
