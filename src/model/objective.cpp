#include "lacuna/objective.h"

#include <fmt/format.h>

#include <cmath>

#include "core/words.h"
#include "lacuna/error.h"
#include "lacuna/optimizer.h"

namespace lacuna {

namespace {

constexpr words::Table<Loss, 3> kLosses{{
    {Loss::squared, "squared"},
    {Loss::half_squared, "half-squared"},
    {Loss::bce, "bce"},
}};
constexpr words::Table<Reduction, 3> kReductions{{
    {Reduction::sum, "sum"},
    {Reduction::sample, "sample"},
    {Reduction::element, "element"},
}};
constexpr words::Table<Sparsity, 4> kSparsities{{
    {Sparsity::none, "none"},
    {Sparsity::kl, "kl"},
    {Sparsity::l1, "l1"},
    {Sparsity::topk, "topk"},
}};
constexpr words::Table<OptimizerKind, 3> kOptimizers{{
    {OptimizerKind::sgd, "sgd"},
    {OptimizerKind::adam, "adam"},
    {OptimizerKind::lbfgs, "lbfgs"},
}};
constexpr words::Table<ScheduleKind, 3> kSchedules{{
    {ScheduleKind::constant, "constant"},
    {ScheduleKind::step, "step"},
    {ScheduleKind::cosine, "cosine"},
}};

void require_at_least_zero(const char* name, double value) {
  if (!(value >= 0) || !std::isfinite(value))
    throw InputError(fmt::format("{} is {}: it must be a finite number of at least 0", name, value));
}

void require_fraction(const char* name, double value) {
  if (!(value >= 0 && value < 1)) throw InputError(fmt::format("{} is {}: it must be in [0, 1)", name, value));
}

}  // namespace

const char* to_string(Loss loss) {
  return words::word_of(kLosses, loss);
}
const char* to_string(Reduction reduction) {
  return words::word_of(kReductions, reduction);
}
const char* to_string(Sparsity sparsity) {
  return words::word_of(kSparsities, sparsity);
}
const char* to_string(OptimizerKind kind) {
  return words::word_of(kOptimizers, kind);
}
Loss parse_loss(std::string_view word) {
  return words::parse(kLosses, "loss", word);
}
Reduction parse_reduction(std::string_view word) {
  return words::parse(kReductions, "reduction", word);
}
Sparsity parse_sparsity(std::string_view word) {
  return words::parse(kSparsities, "sparsity", word);
}
OptimizerKind parse_optimizer(std::string_view word) {
  return words::parse(kOptimizers, "optimizer", word);
}
const char* to_string(ScheduleKind kind) {
  return words::word_of(kSchedules, kind);
}
ScheduleKind parse_schedule(std::string_view word) {
  return words::parse(kSchedules, "schedule", word);
}

void Objective::validate(const Network& network) const {
  network.validate();
  require_at_least_zero("weight decay", weight_decay);
  if (network.classifier) return;  // cross-entropy and weight decay are all there is
  const Layer& code = network.code_layer();
  if (sparsity == Sparsity::topk && code.kept == 0)
    throw InputError("sparsity topk needs a code layer that keeps the k largest: give the network k");
  if (sparsity != Sparsity::topk && code.kept > 0)
    throw InputError(fmt::format("the code keeps {} units per sample, which is sparsity topk, not {}", code.kept,
                                 to_string(sparsity)));
  if (sparsity == Sparsity::kl) {
    if (!(rho > 0 && rho < 1)) throw InputError(fmt::format("rho is {}: it must lie between 0 and 1", rho));
    require_at_least_zero("beta", beta);
    if (code.activation != Activation::sigmoid)
      throw InputError(
          fmt::format("sparsity kl needs a sigmoid code, but the code layer is {}", to_string(code.activation)));
  }
  if (sparsity == Sparsity::l1) require_at_least_zero("l1", l1);
  if (loss == Loss::bce && network.output_layer().activation != Activation::sigmoid)
    throw InputError(fmt::format("loss bce needs a sigmoid output, but the output layer is {}",
                                 to_string(network.output_layer().activation)));
}

void Schedule::validate() const {
  if (warmup < 0 || every < 1 || total < 1)
    throw InputError(fmt::format("learning rate schedule {}: warm-up of {} steps, every {}, {} in all", to_string(kind),
                                 warmup, every, total));
  if (kind == ScheduleKind::cosine && total <= warmup)
    throw InputError(
        fmt::format("the learning rate's warm-up of {} steps leaves none of {} for the cosine after it: warm up "
                    "for less, or train for more",
                    warmup, total));
  if (!(factor >= 0 && factor <= 1))
    throw InputError(fmt::format("learning rate factor is {}: it must be in [0, 1]", factor));
}

void Optimizer::validate() const {
  schedule.validate();
  if (!(learning_rate > 0) || !std::isfinite(learning_rate))
    throw InputError(fmt::format("learning rate is {}: it must be a finite positive number", learning_rate));
  if (kind == OptimizerKind::sgd) {
    require_fraction("momentum", momentum);
    if (nesterov && momentum == 0) throw InputError("nesterov needs a momentum above 0");
  } else if (kind == OptimizerKind::adam) {
    require_fraction("beta1", beta1);
    require_fraction("beta2", beta2);
    if (!(epsilon > 0) || !std::isfinite(epsilon))
      throw InputError(fmt::format("epsilon is {}: it must be a finite positive number", epsilon));
  } else if (history < 1 || history > 100) {
    throw InputError(fmt::format("the history of lbfgs is {} pairs: it must be between 1 and 100", history));
  }
}

int Optimizer::moments() const {
  if (kind == OptimizerKind::adam) return 2;
  if (kind == OptimizerKind::lbfgs) return static_cast<int>(2 * history);
  return kind == OptimizerKind::sgd && momentum > 0 ? 1 : 0;
}

}  // namespace lacuna
