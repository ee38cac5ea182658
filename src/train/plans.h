#pragma once

#include "lacuna/trainer.h"

namespace lacuna {

// Names of the bound buffers of the plans below.
namespace names {
constexpr const char* kData = "data";
constexpr const char* kLabels = "labels";
constexpr const char* kBatch = "batch";
constexpr const char* kState = "state";
constexpr const char* kScalars = "scalars";
constexpr const char* kRing = "ring";
constexpr const char* kParameters = "parameters";
constexpr const char* kGradients = "gradients";
constexpr const char* kMoment1 = "moment1";
constexpr const char* kMoment2 = "moment2";
constexpr const char* kColumnSums = "column_sums";
constexpr const char* kColumnAbsSums = "column_abs_sums";
constexpr const char* kCode = "code";
constexpr const char* kOutput = "output";
}  // namespace names

/// Throws InputError where a Trainer of them would, before anything is placed.
void validate_training(const Network& network, const Dataset& data, const TrainerOptions& options);

/// What a training plan ends with: an update of the parameters; or only the gradients, weight decay included, for a
/// line search.
enum class StepGoal { update, objective };

/// J and its gradients over the whole data set taken as one batch, in the order of its rows. Parameters stay.
StepPlan build_objective_plan(const Network& network, const TrainerOptions& options, std::int64_t data_rows,
                              DType data_type);

/// Which forward pass an evaluation needs.
enum class ForwardGoal { loss, encode, reconstruct, evaluate };

/// A forward pass over `rows` consecutive samples. loss: the terms into the ring, the code's column sums into bound
/// buffers (a classifier's cross-entropy and right answers, which needs labels); encode: the code into a bound buffer;
/// reconstruct: the output, of a classifier the probabilities; evaluate, of an autoencoder: all that loss gives, to the
/// same bits, and the batch, the code and the output in bound buffers.
StepPlan build_forward_plan(const Network& network, ForwardGoal goal, const Objective& objective, std::int64_t rows,
                            std::int64_t data_rows, DType data_type, std::int64_t ring_capacity);

}  // namespace lacuna
