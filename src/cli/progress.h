#pragma once

#include <string>

#include "train/run.h"

namespace lacuna::cli {

/// A run's progress on standard error: on a terminal a bar that is redrawn, elsewhere a line for each epoch.
class Progress : public RunObserver {
 public:
  Progress();
  ~Progress() override;
  void on_progress(const RunProgress& progress) override;
  void on_epoch(const EpochMetrics& metrics, const RunProgress& progress) override;

 private:
  void clear_bar();

  bool terminal_;
  bool bar_shown_ = false;
};

/// "12 s", "3:07", "1:02:09".
std::string duration_text(double seconds);

}  // namespace lacuna::cli
