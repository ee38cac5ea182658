#include "cuda/joint_training.h"

#include <gtest/gtest.h>

#include <barrier>
#include <thread>

#include "together/joint_models.h"

namespace lacuna::test {

std::shared_ptr<ModelGroup> patient_group() {
  return std::make_shared<cuda::JointModels>(std::chrono::hours(1));
}

std::unique_ptr<Backend> backend_in(const std::shared_ptr<ModelGroup>& group, Precision precision,
                                    const ProductOptions& products) {
  return make_backend("cuda", {.precision = precision, .engine = Engine::graph, .products = products, .group = group});
}

std::vector<TrainingResult> train_at_once(const std::vector<TrainingRun>& runs,
                                          const std::function<std::unique_ptr<Backend>(std::size_t)>& backend_of,
                                          const std::function<void()>& before_steps) {
  std::vector<TrainingResult> results(runs.size());
  std::barrier everybody(static_cast<std::ptrdiff_t>(runs.size()), [&before_steps]() noexcept {
    if (before_steps) before_steps();
  });
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < runs.size(); ++i)
    threads.emplace_back([&, i] {
      const auto backend = backend_of(i);
      Trainer trainer(*backend, runs[i].start, runs[i].data, runs[i].options);
      everybody.arrive_and_wait();
      results[i].losses = trainer.run(runs[i].steps);
      results[i].parameters = parameters_of(trainer.model());
    });
  threads.clear();
  return results;
}

std::vector<TrainingResult> train_together(const std::vector<TrainingRun>& runs, Precision precision,
                                           const std::shared_ptr<ModelGroup>& group,
                                           const std::function<void()>& before_steps) {
  return train_at_once(
      runs, [&](std::size_t) { return backend_in(group, precision); }, before_steps);
}

void expect_same_bits_alone(const std::vector<TrainingRun>& runs, const std::vector<TrainingResult>& together,
                            Precision precision) {
  for (std::size_t i = 0; i < runs.size(); ++i) {
    SCOPED_TRACE(i);
    expect_same_bits(together[i], train_on(*backend_in(patient_group(), precision), runs[i]));
  }
}

void expect_same_bits_alone_of(const SparseRuns& models, Precision precision) {
  std::vector<TrainingRun> runs;
  for (std::int64_t i = 0; i < models.count; ++i) {
    const auto seed = static_cast<std::uint64_t>(i);
    runs.push_back({.start = random_model(Network::autoencoder(models.features, {models.units}), 1 + seed),
                    .data = random_dataset(2 * models.batch + 10, models.features, DType::u8, 2, 0.2),
                    .options = {.objective = {}, .optimizer = {}, .batch = models.batch, .seed = 5 + seed},
                    .steps = models.steps});
  }
  expect_same_bits_alone(runs, train_together(runs, precision), precision);
}

}  // namespace lacuna::test
