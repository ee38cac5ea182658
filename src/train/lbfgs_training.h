#pragma once

#include <string>
#include <vector>

#include "train/full_batch.h"

namespace lacuna {

/// What a Trainer does with L-BFGS: iterations, and what of them belongs to its state.
class LbfgsTraining {
 public:
  /// As FullBatch.
  LbfgsTraining(Backend& backend, const Network& network, const TrainerOptions& options, std::int64_t rows,
                DType data_type, Bindings bindings);

  /// J and its terms where the parameters stand.
  StepLoss loss();
  /// False if no step can be made; finished() says why.
  bool iterate() { return lbfgs_.iterate(); }
  std::string finished() const;
  std::int64_t evaluations() const { return lbfgs_.state().evaluations; }
  std::vector<std::string> remarks() const { return vectors_.remarks(); }
  ProductAlgorithms products() const { return vectors_.products(); }

  void save(TrainingState& state);
  /// Throws InputError if what the state holds is not L-BFGS's, or too much.
  void require_restorable(const TrainingState& state) const;
  /// Call when the parameters are in place.
  void restore(const TrainingState& state);

 private:
  Backend& backend_;
  DeviceBuffer& gradients_;
  FullBatch vectors_;
  Lbfgs lbfgs_;
};

}  // namespace lacuna
