#include "train/lbfgs_training.h"

#include <fmt/format.h>

#include "lacuna/error.h"
#include "train/plans.h"

namespace lacuna {

namespace {

/// TrainingState::optimizer_numbers.
enum Number : std::size_t { kNext, kEvaluations, kEnd, kNumbers };

}  // namespace

LbfgsTraining::LbfgsTraining(Backend& backend, const Network& network, const TrainerOptions& options, std::int64_t rows,
                             DType data_type, Bindings bindings)
    : backend_(backend),
      gradients_(*bindings.at(names::kGradients)),
      vectors_(backend, network, options, rows, data_type, bindings),
      lbfgs_(vectors_, {}) {}

StepLoss LbfgsTraining::loss() {
  lbfgs_.objective();
  return vectors_.loss();
}

std::string LbfgsTraining::finished() const {
  switch (lbfgs_.end()) {
    case LbfgsEnd::none:
      return {};
    case LbfgsEnd::converged:
      return "converged: no step promises a decrease of the loss that is worth the name";
    case LbfgsEnd::stuck:
      return "converged: not even the steepest descent finds a lower loss in single precision";
  }
  return {};
}

void LbfgsTraining::save(TrainingState& state) {
  for (std::int64_t slot : lbfgs_.order())
    for (std::vector<float>& vector : vectors_.download_pair(slot)) state.moments.push_back(std::move(vector));
  const Lbfgs::State& s = lbfgs_.state();
  state.optimizer_numbers = {s.next, s.evaluations, static_cast<std::int64_t>(s.end)};
}

void LbfgsTraining::require_restorable(const TrainingState& state) const {
  const std::size_t most = 2 * static_cast<std::size_t>(vectors_.slots() - 1);
  if (state.moments.size() % 2 != 0 || state.moments.size() > most)
    throw InputError(
        fmt::format("the checkpoint has {} optimizer moments per parameter, but lbfgs keeps pairs, {} at most",
                    state.moments.size(), most / 2));
  const std::vector<std::int64_t>& numbers = state.optimizer_numbers;
  const bool fits = numbers.size() == kNumbers && numbers[kNext] >= 0 && numbers[kNext] < vectors_.slots() &&
                    numbers[kEvaluations] >= 0 && numbers[kEnd] >= 0 &&
                    numbers[kEnd] <= static_cast<std::int64_t>(LbfgsEnd::stuck);
  if (!fits)
    throw InputError(
        "the checkpoint's \"state.optimizer\" is not that of lbfgs with this history: next slot, "
        "evaluations, end");
}

void LbfgsTraining::restore(const TrainingState& state) {
  // They are multiplied by 0 before they are computed: what a diverged run left there must not survive that.
  const std::vector<float> zeros(state.model.parameters.size(), 0.0f);
  backend_.upload(gradients_, 0, zeros.data(), static_cast<std::int64_t>(zeros.size()) * size_of(DType::f32));
  const auto& numbers = state.optimizer_numbers;
  lbfgs_.restore({static_cast<std::int64_t>(state.moments.size() / 2), numbers[kNext], numbers[kEvaluations],
                  static_cast<LbfgsEnd>(numbers[kEnd])});
  const std::vector<std::int64_t> order = lbfgs_.order();
  for (std::size_t i = 0; i < order.size(); ++i)
    vectors_.upload_pair(order[i], state.moments[2 * i], state.moments[2 * i + 1]);
}

}  // namespace lacuna
