#include "parity/plan_runner.h"

namespace lacuna::test {
namespace {

std::vector<float> narrowed(const std::vector<double>& values) {
  std::vector<float> floats;
  for (double v : values) floats.push_back(static_cast<float>(v));
  return floats;
}

Shape vector_shape(std::size_t elements) {
  return {static_cast<std::int64_t>(elements)};
}

}  // namespace

template <class T>
BufferId PlanRunner::bind(const std::string& name, DType dtype, const Shape& shape, const std::vector<T>& values) {
  const auto bytes = static_cast<std::int64_t>(values.size() * sizeof(T));
  buffers_.push_back(backend_.allocate(bytes, name));
  backend_.upload(*buffers_.back(), 0, values.data(), bytes);
  bindings_[name] = buffers_.back().get();
  return plan_.bound(name, dtype, shape);
}

BufferId PlanRunner::matrix(const std::string& name, const reference::Matrix& values) {
  return bind(name, DType::f32, {values.rows, values.columns}, narrowed(values.values));
}

BufferId PlanRunner::vector(const std::string& name, const std::vector<double>& values) {
  return bind(name, DType::f32, vector_shape(values.size()), narrowed(values));
}

BufferId PlanRunner::array(const std::string& name, const Shape& shape, const std::vector<double>& values) {
  return bind(name, DType::f32, shape, narrowed(values));
}

BufferId PlanRunner::bytes(const std::string& name, const Shape& shape, const std::vector<std::uint8_t>& values) {
  return bind(name, DType::u8, shape, values);
}

BufferId PlanRunner::integers(const std::string& name, const std::vector<std::int32_t>& values) {
  return bind(name, DType::i32, vector_shape(values.size()), values);
}

BufferId PlanRunner::integers(const std::string& name, const Shape& shape, const std::vector<std::int32_t>& values) {
  return bind(name, DType::i32, shape, values);
}

BufferId PlanRunner::doubles(const std::string& name, const Shape& shape, const std::vector<double>& values) {
  return bind(name, DType::f64, shape, values);
}

BufferId PlanRunner::state(const StepState& state) {
  return bind("state", DType::i64, {3}, std::vector<std::int64_t>{state.step, state.epoch, state.position});
}

BufferId PlanRunner::scalars(const StepScalars& s) {
  return bind(
      "scalars", DType::f32, {kStepScalars},
      std::vector<float>{s.learning_rate, s.adam_step_size, s.adam_inv_sqrt_correction2, s.sample_count, s.kept_units});
}

BufferId PlanRunner::result(const std::string& name, const Shape& shape) {
  return bind(name, DType::f32, shape,
              std::vector<float>(static_cast<std::size_t>(shape.elements()), static_cast<float>(kUnwritten)));
}

BufferId PlanRunner::result_value(const std::string& name) {
  return bind(name, DType::f64, {1}, std::vector<double>{kUnwritten});
}

BufferId PlanRunner::result_integers(const std::string& name, const Shape& shape) {
  return bind(name, DType::i32, shape, std::vector<std::int32_t>(static_cast<std::size_t>(shape.elements()), -777));
}

BufferId PlanRunner::result_doubles(const std::string& name, std::int64_t elements) {
  return bind(name, DType::f64, {elements}, std::vector<double>(static_cast<std::size_t>(elements), kUnwritten));
}

void PlanRunner::run(const Operation& operation, std::int64_t steps) {
  run(std::vector<Operation>{operation}, steps);
}

void PlanRunner::run(std::vector<Operation> operations, std::int64_t steps) {
  plan_.name = "a few operations";
  plan_.operations = std::move(operations);
  backend_.compile(plan_, bindings_)->run(steps);
}

template <class T>
std::vector<double> PlanRunner::download(BufferId id) {
  const Buffer& buffer = plan_[id];
  std::vector<T> values(static_cast<std::size_t>(buffer.shape.elements()));
  backend_.download(values.data(), *bindings_.at(buffer.name), 0, buffer.bytes());
  std::vector<double> result;
  for (T v : values) result.push_back(static_cast<double>(v));
  return result;
}

std::vector<double> PlanRunner::read(BufferId id) {
  switch (plan_[id].dtype) {
    case DType::f64:
      return download<double>(id);
    case DType::i32:
      return download<std::int32_t>(id);
    case DType::i64:
      return download<std::int64_t>(id);
    default:
      return download<float>(id);
  }
}

}  // namespace lacuna::test
