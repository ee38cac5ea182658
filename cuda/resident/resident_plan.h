#pragma once

#include <string>

#include "lacuna/step_plan.h"

namespace lacuna::cuda {

/// A training step of an autoencoder with one hidden layer, read out of its plan: what the resident engine runs.
struct ResidentPlan {
  Gather gather;
  DenseForward encoder, decoder;
  Reconstruction reconstruction;
  SparsityPenalty penalty;
  UpdateParameters update;
  EndStep end;
};

/// Whether a plan is a step of a training run: engines differ in these alone.
bool is_training_step(const StepPlan& plan);

/// Recognises the plan. If it is none that the resident engine runs, `why` says why not, as "it has ...".
bool read_resident_plan(const StepPlan& plan, ResidentPlan& to, std::string& why);

}  // namespace lacuna::cuda
