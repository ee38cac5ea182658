#pragma once

#include <memory>
#include <vector>

#include "lacuna/step_plan.h"
#include "libs/cudnn.h"

namespace lacuna::cuda {

/// What cuDNN prepares for the convolutions of a plan, once for each that differs.
class PlanConvolutions {
 public:
  PlanConvolutions(const StepPlan& plan, Cudnn& cudnn);

  const ConvolutionProducts& operator()(const Convolution& convolution, std::int64_t rows) const;
  bool empty() const { return entries_.empty(); }
  /// For all of them, which run one after another.
  std::int64_t workspace_bytes() const;

 private:
  struct Entry {
    Convolution convolution;
    std::int64_t rows;
    std::unique_ptr<ConvolutionProducts> products;
  };
  const Entry* find(const Convolution& convolution, std::int64_t rows) const;

  std::vector<Entry> entries_;
};

}  // namespace lacuna::cuda
