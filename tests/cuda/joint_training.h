#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "lacuna/backend.h"
#include "parity/training_run.h"

namespace lacuna::test {

/// Whose models wait for each other as long as it takes.
std::shared_ptr<ModelGroup> patient_group();

/// A backend in a group: with products that can be batched, or as the options say.
std::unique_ptr<Backend> backend_in(const std::shared_ptr<ModelGroup>& group, Precision precision = Precision::fp32,
                                    const ProductOptions& products = {.batched = true});

/// Trains each run by a thread and a backend of its own. All are there before the first step; `before_steps` is called
/// then.
std::vector<TrainingResult> train_at_once(const std::vector<TrainingRun>& runs,
                                          const std::function<std::unique_ptr<Backend>(std::size_t)>& backend_of,
                                          const std::function<void()>& before_steps = {});
/// The same in one group.
std::vector<TrainingResult> train_together(const std::vector<TrainingRun>& runs, Precision precision = Precision::fp32,
                                           const std::shared_ptr<ModelGroup>& group = patient_group(),
                                           const std::function<void()>& before_steps = {});

/// Trains each run again, in a group of its own, and expects the same bits.
void expect_same_bits_alone(const std::vector<TrainingRun>& runs, const std::vector<TrainingResult>& together,
                            Precision precision = Precision::fp32);

/// Models that differ in their weights and the order of their samples, which are as sparse as digits.
struct SparseRuns {
  std::int64_t count, features, units, batch, steps;
};
/// Trains them together and each alone, and expects the same bits.
void expect_same_bits_alone_of(const SparseRuns& models, Precision precision);

}  // namespace lacuna::test
