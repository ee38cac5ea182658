#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lacuna/backend.h"
#include "reference/matrix.h"

namespace lacuna::test {

/// Runs single operations, or a few: plans whose buffers are all bound.
class PlanRunner {
 public:
  explicit PlanRunner(Backend& backend) : backend_(backend) {}

  /// float32 buffers holding these values, which must be representable as floats (see rounded()).
  BufferId matrix(const std::string& name, const reference::Matrix& values);
  BufferId vector(const std::string& name, const std::vector<double>& values);
  BufferId array(const std::string& name, const Shape& shape, const std::vector<double>& values);
  BufferId bytes(const std::string& name, const Shape& shape, const std::vector<std::uint8_t>& values);
  BufferId integers(const std::string& name, const std::vector<std::int32_t>& values);
  BufferId integers(const std::string& name, const Shape& shape, const std::vector<std::int32_t>& values);
  BufferId doubles(const std::string& name, const Shape& shape, const std::vector<double>& values);
  BufferId state(const StepState& state);
  BufferId scalars(const StepScalars& scalars);
  /// Buffers for results, full of kUnwritten.
  BufferId result(const std::string& name, const Shape& shape);
  BufferId result_value(const std::string& name);
  BufferId result_integers(const std::string& name, const Shape& shape);
  BufferId result_doubles(const std::string& name, std::int64_t elements);

  void run(const Operation& operation, std::int64_t steps = 1);
  /// As one plan.
  void run(std::vector<Operation> operations, std::int64_t steps = 1);

  /// float32, float64, int32 or int64.
  std::vector<double> read(BufferId id);

  static constexpr double kUnwritten = -777.25;

 private:
  template <class T>
  BufferId bind(const std::string& name, DType dtype, const Shape& shape, const std::vector<T>& values);
  template <class T>
  std::vector<double> download(BufferId id);

  Backend& backend_;
  StepPlan plan_;
  Bindings bindings_;
  std::vector<std::unique_ptr<DeviceBuffer>> buffers_;
};

}  // namespace lacuna::test
