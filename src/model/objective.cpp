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

void Objective::validate(const Network& network) const {
  network.validate();
  if (sparsity == Sparsity::topk) throw InputError("sparsity topk is not built yet; use kl, l1 or none");
  if (sparsity == Sparsity::kl) {
    if (!(rho > 0 && rho < 1)) throw InputError(fmt::format("rho is {}: it must lie between 0 and 1", rho));
    require_at_least_zero("beta", beta);
    if (network.code_layer().activation != Activation::sigmoid)
      throw InputError(fmt::format("sparsity kl needs a sigmoid code, but the code layer is {}",
                                   to_string(network.code_layer().activation)));
  }
  if (sparsity == Sparsity::l1) require_at_least_zero("l1", l1);
  require_at_least_zero("weight decay", weight_decay);
  if (loss == Loss::bce && network.output_layer().activation != Activation::sigmoid)
    throw InputError(fmt::format("loss bce needs a sigmoid output, but the output layer is {}",
                                 to_string(network.output_layer().activation)));
}

void Optimizer::validate() const {
  if (kind == OptimizerKind::lbfgs) throw InputError("optimizer lbfgs is not built yet; use adam or sgd");
  if (!(learning_rate > 0) || !std::isfinite(learning_rate))
    throw InputError(fmt::format("learning rate is {}: it must be a finite positive number", learning_rate));
  if (kind == OptimizerKind::sgd) {
    require_fraction("momentum", momentum);
    if (nesterov && momentum == 0) throw InputError("nesterov needs a momentum above 0");
  } else {
    require_fraction("beta1", beta1);
    require_fraction("beta2", beta2);
    if (!(epsilon > 0) || !std::isfinite(epsilon))
      throw InputError(fmt::format("epsilon is {}: it must be a finite positive number", epsilon));
  }
}

int Optimizer::moments() const {
  if (kind == OptimizerKind::adam) return 2;
  return momentum > 0 ? 1 : 0;
}

}  // namespace lacuna
