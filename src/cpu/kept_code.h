#pragma once

#include <memory>
#include <string>

#include "cpu/kernels.h"
#include "lacuna/backend.h"

namespace lacuna::cpu {

/// The products of a step that have a top-k code, or the gradient with respect to it, as an operand, through the kept
/// units alone. Exact: what is left out is a sum of zeros (a weight that is NaN or infinite shows once its unit is
/// kept).
class KeptCode {
 public:
  /// nullptr where the k that `plan` comes to is too large a share of the units (core/kept_share.h).
  static std::unique_ptr<KeptCode> make(const StepPlan& plan, const TopK& code, const StepScalars* scalars,
                                        int threads);

  std::string remark() const;
  /// Whether it is of use in this step: k may come down from more.
  bool active() const { return scalars_->kept_units <= static_cast<float>(entries_.most); }
  /// In every step: then nothing need be there for dense products.
  bool always_active() const { return most_ever_ <= entries_.most; }

  /// What TopK writes where the plan does not ask for it.
  std::uint32_t* own_bits();
  /// After TopK, in each step, before anything else here.
  void list(const std::uint32_t* kept) const;

  /// out [M, columns] = values weight, values [M, H] as the code or its gradient, weight [H, columns] readable one
  /// vector past its end.
  void product(const float* values, const float* weight, float* out, std::int64_t columns) const;
  /// gradient [M, H] = delta weight^T for kept units alone, weight [H, columns].
  void dots(const float* delta, const float* weight, float* gradient, std::int64_t columns) const;
  /// gradient [H, columns] (+)= values^T source, source [M, columns] readable one vector past its end.
  void weight_gradient(const float* values, const float* source, float* gradient, std::int64_t columns,
                       bool accumulate) const;
  /// gradient <- gradient * activation'(output) where kept and 0 elsewhere; bias_gradient = its column sums.
  void activation_backward(Activation activation, float* gradient, const float* output, float* bias_gradient,
                           const ColumnPartials& partials) const;

  /// Memory for a weight [columns, H] that is turned in each step, and for its gradient, before any product with it.
  /// False where it is there for another weight.
  bool turns(const float* weight, std::int64_t columns);
  /// Whether it is that one: a forward product has then turned it in this step.
  bool has_turned(const float* weight) const { return weight_ == weight; }
  const float* turn_weight(std::int64_t columns) const;   ///< the weight as it is now, [H, columns]
  const float* turned_weight() const { return turned_; }  ///< as turn_weight() left it
  /// gradient [columns, H] = source^T values.
  void turned_gradient(const float* values, const float* source, float* gradient, std::int64_t columns) const;

 private:
  KeptCode() = default;

  const StepScalars* scalars_ = nullptr;
  int threads_ = 1;
  std::int64_t kept_ = 0, most_ever_ = 0;
  KeptEntries entries_;
  std::unique_ptr<DeviceBuffer> memory_, bits_;
  const float* weight_ = nullptr;  ///< [columns, H], that is turned
  std::unique_ptr<DeviceBuffer> turned_memory_;
  float *turned_ = nullptr, *turned_gradient_ = nullptr;  ///< [H, columns]
};

}  // namespace lacuna::cpu
