#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lacuna/backend.h"
#include "lacuna/trainer.h"
#include "train/lbfgs.h"

namespace lacuna {

/// L-BFGS on a backend's own vectors: x is the parameters, J the objective over the whole data set. What one evaluation
/// or one pair takes is one plan, and one small copy to the host.
class FullBatch final : public LbfgsVectors {
 public:
  /// `bindings`: data, labels of a classifier, state, scalars, parameters and gradients. They must outlive this.
  FullBatch(Backend& backend, const Network& network, const TrainerOptions& options, std::int64_t rows, DType data_type,
            Bindings bindings);

  /// The terms of J where it was evaluated last.
  const StepLoss& loss() const { return loss_; }
  std::vector<std::string> remarks() const { return evaluate_->remarks(); }
  ProductAlgorithms products() const { return evaluate_->products(); }

  /// s, then y of a slot, copied to the host and back.
  std::vector<std::vector<float>> download_pair(std::int64_t slot);
  void upload_pair(std::int64_t slot, const std::vector<float>& s, const std::vector<float>& y);

  std::int64_t slots() const override { return slots_; }
  void begin_line(const std::vector<double>& coefficients) override;
  Value evaluate(double step) override;
  std::vector<double> take_pair(std::int64_t slot) override;
  std::vector<double> pair_products(std::int64_t slot) override;

 private:
  DeviceBuffer* add(const char* name, std::int64_t bytes, const char* purpose);
  std::vector<double> read_products();

  Backend& backend_;
  std::int64_t slots_, elements_;
  Bindings bindings_;
  std::vector<std::unique_ptr<DeviceBuffer>> own_;
  DeviceBuffer *pairs_, *coefficients_, *step_, *products_;
  std::unique_ptr<Executable> begin_line_, evaluate_;
  std::vector<std::unique_ptr<Executable>> take_pair_, pair_products_;  // one for each slot
  std::unique_ptr<Readback> value_, rows_;
  StepLoss loss_;
};

}  // namespace lacuna
