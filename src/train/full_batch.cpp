#include "train/full_batch.h"

#include <fmt/format.h>

#include <cstring>

#include "train/plans.h"

namespace lacuna {

namespace {

constexpr const char* kStart = "line.start";
constexpr const char* kStartGradients = "line.start_gradients";
constexpr const char* kDirection = "line.direction";
constexpr const char* kStep = "line.step";
constexpr const char* kLineValues = "line.values";
constexpr const char* kOnes = "line.ones";
constexpr const char* kDifference = "line.difference";
constexpr const char* kPairs = "pairs";
constexpr const char* kCoefficients = "coefficients";
constexpr const char* kProducts = "products";

/// A plan on vectors alone.
class VectorPlan {
 public:
  StepPlan plan;

  VectorPlan(std::string name, std::int64_t slots, std::int64_t elements) : slots_(slots), slab_({elements}) {
    plan.name = std::move(name);
  }
  BufferId vector(const char* name) { return existing(name, DType::f32, slab_); }
  BufferId numbers(const char* name, std::int64_t count) { return existing(name, DType::f64, {count}); }
  /// s of a slot, and y of slot i as number slots + i.
  BufferId pair(std::int64_t i) {
    const std::string name = fmt::format("pair.{}", i);
    const BufferId found = plan.find(name);
    if (found != kNoBuffer) return found;
    const BufferId pairs = existing(kPairs, DType::f32, {2 * slots_ * slab_[0]});
    return plan.slice(name, pairs, i * slab_[0], slab_);
  }
  std::vector<BufferId> basis() {
    std::vector<BufferId> all;
    for (std::int64_t i = 0; i < 2 * slots_; ++i) all.push_back(pair(i));
    all.push_back(vector(names::kGradients));
    return all;
  }
  void copy(BufferId from, BufferId to) { plan.operations.emplace_back(Combine{{from}, numbers(kOnes, 1), to}); }
  void subtract(BufferId from, BufferId what, BufferId to) {
    plan.operations.emplace_back(Combine{{from, what}, numbers(kDifference, 2), to});
  }

 private:
  BufferId existing(const char* name, DType type, const Shape& shape) {
    const BufferId found = plan.find(name);
    return found == kNoBuffer ? plan.bound(name, type, shape) : found;
  }

  std::int64_t slots_;
  Shape slab_;
};

StepPlan begin_line_plan(std::int64_t slots, std::int64_t elements) {
  VectorPlan p("begin line", slots, elements);
  p.plan.operations.emplace_back(Combine{p.basis(), p.numbers(kCoefficients, 2 * slots + 1), p.vector(kDirection)});
  p.copy(p.vector(names::kParameters), p.vector(kStart));
  p.copy(p.vector(names::kGradients), p.vector(kStartGradients));
  return std::move(p.plan);
}

/// Moves along the line, then J and its gradients, then the slope.
StepPlan evaluate_plan(StepPlan objective) {
  StepPlan& plan = objective;
  const BufferId parameters = plan.find(names::kParameters), gradients = plan.find(names::kGradients);
  const Shape slab = plan[parameters].shape;
  const BufferId start = plan.bound(kStart, DType::f32, slab), direction = plan.bound(kDirection, DType::f32, slab),
                 step = plan.bound(kStep, DType::f64, {2}), values = plan.bound(kLineValues, DType::f64, {2});
  plan.operations.insert(plan.operations.begin() + 1, Combine{{start, direction}, step, parameters});
  plan.operations.insert(plan.operations.end() - 1, Dots{{gradients}, {direction, gradients}, values});
  return objective;
}

StepPlan pair_plan(std::int64_t slots, std::int64_t elements, std::int64_t slot, bool take) {
  VectorPlan p(fmt::format("pair {}", slot), slots, elements);
  const BufferId s = p.pair(slot), y = p.pair(slots + slot), gradients = p.vector(names::kGradients);
  if (take) {
    p.subtract(p.vector(names::kParameters), p.vector(kStart), s);
    p.subtract(gradients, p.vector(kStartGradients), y);
  }
  p.plan.operations.emplace_back(Dots{{s, y, gradients}, p.basis(), p.numbers(kProducts, 3 * (2 * slots + 1))});
  return std::move(p.plan);
}

}  // namespace

FullBatch::FullBatch(Backend& backend, const Network& network, const TrainerOptions& options, std::int64_t rows,
                     DType data_type, Bindings bindings)
    : backend_(backend),
      slots_(options.optimizer.history + 1),
      elements_(ParameterLayout(network).slab_elements()),
      bindings_(std::move(bindings)) {
  const std::int64_t slab_bytes = elements_ * size_of(DType::f32), number = size_of(DType::f64);
  pairs_ = add(kPairs, 2 * slots_ * slab_bytes, "the history of L-BFGS");
  for (const char* name : {kStart, kStartGradients, kDirection}) add(name, slab_bytes, "the line search");
  coefficients_ = add(kCoefficients, (2 * slots_ + 1) * number, "coefficients");
  products_ = add(kProducts, 3 * (2 * slots_ + 1) * number, "inner products");
  step_ = add(kStep, 2 * number, "the step");
  DeviceBuffer* values = add(kLineValues, 2 * number, "the slope");
  DeviceBuffer* ring = add(names::kRing, sizeof(StepLoss), "the loss");
  const double ones[] = {1.0}, difference[] = {1.0, -1.0};
  backend_.upload(*add(kOnes, sizeof ones, "coefficients"), 0, ones, sizeof ones);
  backend_.upload(*add(kDifference, sizeof difference, "coefficients"), 0, difference, sizeof difference);

  begin_line_ = backend_.compile(begin_line_plan(slots_, elements_), bindings_);
  evaluate_ = backend_.compile(evaluate_plan(build_objective_plan(network, options, rows, data_type)), bindings_);
  for (std::int64_t slot = 0; slot < slots_; ++slot) {
    take_pair_.push_back(backend_.compile(pair_plan(slots_, elements_, slot, true), bindings_));
    pair_products_.push_back(backend_.compile(pair_plan(slots_, elements_, slot, false), bindings_));
  }
  value_ = backend_.readback({ring, values});
  rows_ = backend_.readback({products_});
}

DeviceBuffer* FullBatch::add(const char* name, std::int64_t bytes, const char* purpose) {
  own_.push_back(backend_.allocate(bytes, purpose));
  return bindings_[name] = own_.back().get();
}

void FullBatch::begin_line(const std::vector<double>& coefficients) {
  backend_.upload(*coefficients_, 0, coefficients.data(), (2 * slots_ + 1) * size_of(DType::f64));
  begin_line_->run(1);
}

LbfgsVectors::Value FullBatch::evaluate(double step) {
  const double coefficients[] = {1.0, step};
  backend_.upload(*step_, 0, coefficients, sizeof coefficients);
  evaluate_->run(1);
  value_->begin();
  const std::byte* bytes = value_->wait();
  double slope_and_square[2];
  std::memcpy(&loss_, bytes, sizeof loss_);
  std::memcpy(slope_and_square, bytes + sizeof loss_, sizeof slope_and_square);
  return {loss_.total(), slope_and_square[0], slope_and_square[1]};
}

std::vector<double> FullBatch::take_pair(std::int64_t slot) {
  take_pair_[static_cast<std::size_t>(slot)]->run(1);
  return read_products();
}

std::vector<double> FullBatch::pair_products(std::int64_t slot) {
  pair_products_[static_cast<std::size_t>(slot)]->run(1);
  return read_products();
}

std::vector<double> FullBatch::read_products() {
  std::vector<double> products(static_cast<std::size_t>(3 * (2 * slots_ + 1)));
  rows_->begin();
  std::memcpy(products.data(), rows_->wait(), products.size() * sizeof(double));
  return products;
}

std::vector<std::vector<float>> FullBatch::download_pair(std::int64_t slot) {
  const auto slab = static_cast<std::size_t>(elements_);
  std::vector<std::vector<float>> pair{std::vector<float>(slab), std::vector<float>(slab)};
  const std::int64_t bytes = elements_ * size_of(DType::f32);
  backend_.download(pair[0].data(), *pairs_, slot * bytes, bytes);
  backend_.download(pair[1].data(), *pairs_, (slots_ + slot) * bytes, bytes);
  return pair;
}

void FullBatch::upload_pair(std::int64_t slot, const std::vector<float>& s, const std::vector<float>& y) {
  const std::int64_t bytes = elements_ * size_of(DType::f32);
  backend_.upload(*pairs_, slot * bytes, s.data(), bytes);
  backend_.upload(*pairs_, (slots_ + slot) * bytes, y.data(), bytes);
}

}  // namespace lacuna
