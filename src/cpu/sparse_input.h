#pragma once

#include <memory>
#include <string>

#include "cpu/kernels.h"
#include "lacuna/backend.h"

namespace lacuna::cpu {

/// The two products of a step that have the minibatch as an operand, through its nonzero values. Exact: what is left
/// out is a sum of zeros (a weight that is NaN or infinite does not spread through a pixel that is zero in the
/// whole batch).
class SparseInput {
 public:
  /// Bytes that must be readable after the last row of a dense operand.
  static constexpr std::int64_t kOverrun = 64;
  /// Data with a larger share of nonzero values goes through the dense products, where these go through tiles already
  /// with half as large a share. docs/benchmarks.md has the crossovers.
  static constexpr double kDensity = 0.3, kDensityBesideTiles = 0.15;
  /// Below these, and below Kernels::sparse_fewest_samples, the fixed work, compressing and turning, is not earned
  /// back; later where dense products go through tiles.
  static constexpr std::int64_t kFewestUnits = 64;
  static constexpr std::int64_t kFewestSamplesBesideTiles = 400;

  /// nullptr where dense products are the better choice: it depends on the data and the shapes alone, never on
  /// timing, so that a run is reproducible.
  static std::unique_ptr<SparseInput> make(const StepPlan& plan, const Gather& gather, const void* data,
                                           const float* batch, int threads);

  const float* batch() const { return batch_; }
  /// What gathering a batch must fill.
  const TiledSparse& values() const { return values_; }
  std::string remark() const;

  /// out [M, units] = batch weight^T, weight [units, D].
  void forward(const float* weight, float* out, std::int64_t units) const;
  /// After forward. gradient [units, D] = delta^T batch, delta [M, units], readable kOverrun bytes past its end.
  void weight_gradient(const float* delta, float* gradient, std::int64_t units) const;

 private:
  SparseInput() = default;

  const float* batch_ = nullptr;
  std::int64_t features_ = 0;
  int threads_ = 1;
  double density_ = 0;
  TiledSparse values_;
  std::unique_ptr<DeviceBuffer> memory_;
};

}  // namespace lacuna::cpu
