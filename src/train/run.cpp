#include "train/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <utility>

#include "core/clock.h"
#include "lacuna/safetensors.h"
#include "model/model_file.h"

namespace lacuna {

namespace {

/// Metadata of the best model: the epoch after which it was like this. Readers of a model pass over it.
const std::string kEpochKey = std::string(kStatePrefix) + "epoch";

using core::Clock;
using core::seconds_since;

/// How many steps to take before looking up: about a tenth of a second's worth, so that a bar moves and losses are
/// still read back rarely.
class Pace {
 public:
  std::int64_t steps() const { return steps_; }
  void took(std::int64_t steps, double seconds) {
    if (steps <= 0) return;
    constexpr double kInterval = 0.1;
    const double per_step = std::max(seconds / static_cast<double>(steps), 1e-7);
    steps_ = std::clamp<std::int64_t>(std::llround(kInterval / per_step), 1, 4 * steps_);
  }

 private:
  std::int64_t steps_ = 4;
};

bool all_finite(const std::vector<float>& values) {
  return std::ranges::all_of(values, [](float v) { return std::isfinite(v); });
}

class Run {
 public:
  Run(Trainer& trainer, const RunDirectory& directory, const RunPlan& plan, RunObserver& observer)
      : trainer_(trainer),
        directory_(directory),
        plan_(plan),
        observer_(observer),
        log_(directory.metrics(), trainer.position().epoch) {}

  RunOutcome go(const std::atomic<bool>& stop) {
    resume_best();
    const bool done_before = ended();
    while (!ended() && !stop) advance(stop);
    const StepState position = trainer_.position();
    const bool interrupted = !ended();
    // That the trainer is finished may have shown after the last step was saved.
    if (!done_before && (saved_step_ != position.step || !trainer_.finished().empty())) save();
    if (!interrupted) directory_.prune(plan_.keep_checkpoints);
    const std::string finished = position.epoch < plan_.epochs ? why_ended() : std::string();
    double training_seconds = 0;
    for (const EpochMetrics& metrics : log_.all()) training_seconds += metrics.seconds;
    return {interrupted, finished, position, log_.last(), best(), seconds_since(start_), training_seconds};
  }

 private:
  /// The first of the best epochs by what was held out, from first_compared_ on.
  std::optional<EpochMetrics> best() const {
    std::optional<EpochMetrics> best;
    if (plan_.patience == 0) return best;
    for (const EpochMetrics& m : log_.all())
      if (m.epoch >= first_compared_ && (!best || is_better(m, *best))) best = m;
    return best;
  }
  static bool is_better(const EpochMetrics& a, const EpochMetrics& b) {
    if (a.validation_accuracy && b.validation_accuracy) return *a.validation_accuracy > *b.validation_accuracy;
    if (!a.validation_loss || !b.validation_loss) return false;
    const double loss = *a.validation_loss, other = *b.validation_loss;
    return std::isfinite(loss) && (!std::isfinite(other) || loss < other);
  }

  /// The best model that a run before left may be of an epoch after the checkpoint that this run goes on from: the log
  /// has forgotten that epoch, and the best of the others may have been overwritten.
  void resume_best() {
    const auto found = best();
    if (!found) return;
    const std::int64_t kept = epoch_of_best_model();
    if (kept == found->epoch || restore_best(found->epoch)) return;
    first_compared_ = kept;  // if the run before had begun its comparison anew too
    if (const auto since = best(); since && since->epoch == kept) return;
    const StepState position = trainer_.position();
    const bool within_epoch = position.position > 0;
    first_compared_ = position.epoch + (within_epoch ? 1 : 0);
    if (!within_epoch) save_best(trainer_.model(), position.epoch);
    observer_.on_remark(
        fmt::format("the parameters of the best epoch, {}, are not there any more: the best is looked for anew from "
                    "epoch {} on",
                    found->epoch, first_compared_));
  }
  /// 0 if there is none.
  std::int64_t epoch_of_best_model() const {
    std::int64_t epoch = 0;
    try {
      const SafetensorsFile file = SafetensorsFile::open(directory_.best());
      if (const auto entry = file.metadata().find(kEpochKey); entry != file.metadata().end())
        std::from_chars(entry->second.data(), entry->second.data() + entry->second.size(), epoch);
    } catch (const InputError&) {  // missing or damaged
    }
    return epoch;
  }
  /// From the checkpoint at that epoch's end, if it can be read.
  bool restore_best(std::int64_t epoch) const {
    TrainingState state;
    try {
      state = load_checkpoint(directory_.checkpoint({.epoch = epoch}));
    } catch (const InputError&) {
      return false;
    }
    save_best(std::move(state.model), epoch);
    return true;
  }
  void save_best(Model model, std::int64_t epoch) const {
    model.metadata[kEpochKey] = std::to_string(epoch);
    save_model(directory_.best(), model);
  }

  bool out_of_patience() const {
    const auto found = best();
    return found && log_.last()->epoch - found->epoch >= plan_.patience;
  }
  bool ended() const {
    return trainer_.position().epoch >= plan_.epochs || !trainer_.finished().empty() || out_of_patience();
  }
  std::string why_ended() const {
    if (!trainer_.finished().empty() || !out_of_patience()) return trainer_.finished();
    return fmt::format("{} epochs were not better than epoch {}", plan_.patience, best()->epoch);
  }

  void advance(const std::atomic<bool>& stop) {
    const StepState before = trainer_.position();
    const Clock::time_point start = Clock::now();
    const std::int64_t ran = run_steps(steps_until_due(before.step), stop);
    const double seconds = seconds_since(start);
    const StepState after = trainer_.position();
    const bool epoch_ended = after.epoch > before.epoch;
    pace_.took(ran, seconds);
    epoch_seconds_ += seconds;
    count_samples((epoch_ended ? plan_.samples : after.position) - before.position);
    if (epoch_ended) {
      end_epoch(after);
    } else {
      observer_.on_progress(progress(after.epoch + 1, after.position));
      if (plan_.checkpoint_every > 0 && after.step % plan_.checkpoint_every == 0 && ran > 0) save();
    }
  }

  std::int64_t run_steps(std::int64_t steps, const std::atomic<bool>& stop) {
    try {
      return trainer_.run_within_epoch(steps, &stop);
    } catch (const DivergedError& error) {
      diverged(error.step() - 1, error.what());
    }
  }

  std::int64_t steps_until_due(std::int64_t step) const {
    if (plan_.checkpoint_every <= 0) return pace_.steps();
    return std::min(pace_.steps(), plan_.checkpoint_every - step % plan_.checkpoint_every);
  }

  void count_samples(std::int64_t samples) {
    epoch_samples_ += static_cast<double>(samples);
    samples_ += static_cast<double>(samples);
  }

  RunProgress progress(std::int64_t epoch, std::int64_t position) const {
    const auto samples = static_cast<double>(plan_.samples);
    const double fraction = static_cast<double>(position) / samples;
    const double left = (static_cast<double>(plan_.epochs - epoch + 1) - fraction) * samples;
    return {epoch,
            plan_.epochs,
            fraction,
            trainer_.epoch_means().loss(),
            epoch_seconds_ > 0 ? epoch_samples_ / epoch_seconds_ : 0,
            samples_ > 0 ? left * seconds_since(start_) / samples_ : 0};
  }

  void end_epoch(const StepState& position) {
    const LossMeans& means = trainer_.epoch_means();
    const RunProgress now = progress(position.epoch, plan_.samples);
    EpochMetrics metrics{position.epoch,        position.step,  means.loss(),
                         means.reconstruction,  means.sparsity, means.weight_decay,
                         means.mean_activation, epoch_seconds_, now.samples_per_second};
    const bool saves = position.epoch % plan_.checkpoint_epochs == 0 || position.epoch == plan_.epochs;
    std::optional<TrainingState> state;
    if (saves) state = finite_state();
    if (trainer_.classifies()) metrics.training_error = 1.0 - means.correct;
    Model model = plan_.judge || plan_.patience > 0 ? (state ? state->model : trainer_.model()) : Model();
    if (plan_.judge) plan_.judge(model, metrics);
    log_.append(metrics);
    // Before the checkpoint: whoever resumes after it finds the best model of all epochs before.
    if (const auto found = best(); found && found->epoch == metrics.epoch) save_best(std::move(model), metrics.epoch);
    if (state) save(*state);
    observer_.on_epoch(metrics, now);
    epoch_seconds_ = 0;
    epoch_samples_ = 0;
  }

  /// A loss is that of the parameters before an update, so nothing has judged the last update yet.
  TrainingState finite_state() {
    TrainingState state = trainer_.state();
    bool finite = all_finite(state.model.parameters);
    for (const auto& moment : state.moments) finite = finite && all_finite(moment);
    if (!finite)
      diverged(state.position.step,
               fmt::format("a parameter or a moment became NaN or infinite at step {}; try a smaller learning rate",
                           state.position.step));
    return state;
  }

  /// The parameters after `bad_step` steps cannot be used; whoever resumes must not find them.
  [[noreturn]] void diverged(std::int64_t bad_step, const std::string& what) const {
    std::string last_good;
    for (const CheckpointFile& file : directory_.checkpoints()) {
      const std::int64_t step = file.step > 0 ? file.step : file.epoch * trainer_.steps_per_epoch();
      if (step < bad_step) {
        last_good = file.path;
      } else {
        std::filesystem::remove(file.path);
      }
    }
    throw DivergedRun(last_good.empty() ? fmt::format("{}; there was no checkpoint yet", what)
                                        : fmt::format("{}; last good checkpoint: {}", what, last_good));
  }

  void save() { save(finite_state()); }

  void save(const TrainingState& state) {
    save_checkpoint(directory_.checkpoint(state.position), state);
    saved_step_ = state.position.step;
    // Only the next loss tells whether these parameters are good: until then the checkpoint before must stay.
    directory_.prune(plan_.keep_checkpoints > 0 ? std::max<std::int64_t>(plan_.keep_checkpoints, 2) : 0);
  }

  Trainer& trainer_;
  const RunDirectory& directory_;
  const RunPlan& plan_;
  RunObserver& observer_;
  MetricsLog log_;
  Pace pace_;
  Clock::time_point start_ = Clock::now();
  double epoch_seconds_ = 0, epoch_samples_ = 0, samples_ = 0;
  std::int64_t saved_step_ = -1;
  std::int64_t first_compared_ = 0;  // the epoch from which on the best is looked for
};

}  // namespace

RunOutcome run_training(Trainer& trainer, const RunDirectory& directory, const RunPlan& plan, RunObserver& observer,
                        const std::atomic<bool>& stop) {
  return Run(trainer, directory, plan, observer).go(stop);
}

std::optional<std::string> restore_newest(Trainer& trainer, const RunDirectory& directory, std::int64_t samples,
                                          const std::function<void(const std::string&)>& report) {
  std::vector<CheckpointFile> files = directory.checkpoints();
  for (; !files.empty(); files.pop_back()) {
    TrainingState state;
    try {
      state = load_checkpoint(files.back().path);
    } catch (const InputError& error) {
      report(fmt::format("cannot use a checkpoint: {}", error.what()));
      continue;
    }
    const auto recorded = state.model.metadata.find(kSamplesKey);
    if (recorded != state.model.metadata.end() && recorded->second != std::to_string(samples))
      throw InputError(fmt::format("cannot resume: {} was trained on {} samples, but the data now has {}",
                                   files.back().path, recorded->second, samples));
    trainer.restore(state);
    return files.back().path;
  }
  return std::nullopt;
}

}  // namespace lacuna
