#include "train/tensorboard.h"

#include "report/run_files.h"

namespace lacuna {

TensorboardLog::TensorboardLog(const RunDirectory& directory, const StepState& done)
    : directory_(directory), file_(directory.tensorboard(), done.step + 1) {}

void TensorboardLog::on_epoch(const EpochMetrics& m, const RunProgress&) {
  const auto scalar = [&](const char* tag, double value) { file_.scalar(tag, m.step, value); };
  const auto optional = [&](const char* tag, const std::optional<double>& value) {
    if (value) scalar(tag, *value);
  };
  scalar("loss/total", m.loss);
  if (m.training_error) {
    scalar("loss/cross_entropy", m.reconstruction);
  } else {
    scalar("loss/reconstruction", m.reconstruction);
    scalar("loss/sparsity", m.sparsity);
    scalar("code/mean_activation", m.mean_activation);
  }
  scalar("loss/weight_decay", m.weight_decay);
  optional("accuracy/training_error", m.training_error);
  optional("accuracy/validation", m.validation_accuracy);
  optional("accuracy/test", m.test_accuracy);
  optional("loss/validation", m.validation_loss);
  scalar("run/epoch", static_cast<double>(m.epoch));
  scalar("run/samples_per_second", m.samples_per_second);
}

void TensorboardLog::add_pictures(std::int64_t step) {
  for (const auto& [name, picture] : report::read_run_files(directory_.path()).pictures)
    file_.picture(name.substr(0, name.find('.')), step, picture.width, picture.height, picture.bytes);
}

}  // namespace lacuna
