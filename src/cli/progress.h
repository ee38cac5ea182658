#pragma once

#include <string>

#include "train/run.h"

namespace lacuna::cli {

/// Whom a job tells how it gets on.
class Console : public RunObserver {
 public:
  /// A line for people.
  virtual void say(const std::string& line) = 0;
};

/// A run's progress on standard error: on a terminal a bar that is redrawn, elsewhere a line for each epoch.
class Progress : public Console {
 public:
  Progress();
  ~Progress() override;
  void on_progress(const RunProgress& progress) override;
  void on_epoch(const EpochMetrics& metrics, const RunProgress& progress) override;
  void on_remark(const std::string& remark) override;
  void say(const std::string& line) override;

 private:
  void clear_bar();

  bool terminal_;
  bool bar_shown_ = false;
};

/// Whether standard error is a terminal that can redraw a line.
bool on_terminal();
/// "[######..................]".
std::string bar_text(double fraction);
/// "12 s", "3:07", "1:02:09".
std::string duration_text(double seconds);

}  // namespace lacuna::cli
