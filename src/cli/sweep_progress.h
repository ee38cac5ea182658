#pragma once

#include <chrono>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "cli/progress.h"

namespace lacuna::cli {

/// How a sweep gets on, on standard error: a line for each model that has ended, and on a terminal a bar over all of
/// them. Any thread may call it.
class SweepProgress {
 public:
  /// `done` of the cells need no work any more.
  SweepProgress(std::size_t cells, std::size_t done);
  ~SweepProgress();
  SweepProgress(const SweepProgress&) = delete;
  SweepProgress& operator=(const SweepProgress&) = delete;

  void say(const std::string& line);
  /// What several models have to say alike is said once.
  void say_once(const std::string& line);
  /// The share of its epochs that a cell has done.
  void at(std::size_t cell, double fraction);
  /// A cell has ended; what is to be said of it.
  void ended(std::size_t cell, const std::string& line);

 private:
  void clear_bar();
  void draw_bar();

  const bool terminal_ = on_terminal();
  std::mutex mutex_;
  std::set<std::string> said_;
  std::vector<double> fractions_;
  std::size_t done_, done_before_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now(), drawn_{};
  bool bar_shown_ = false;
};

/// One model's part of it.
class CellConsole : public Console {
 public:
  CellConsole(SweepProgress& sweep, std::size_t cell, std::string name)
      : sweep_(sweep), cell_(cell), name_(std::move(name)) {}
  void on_progress(const RunProgress& progress) override;
  void on_epoch(const EpochMetrics& metrics, const RunProgress& progress) override;
  void on_remark(const std::string& remark) override { say("note     " + remark); }
  void say(const std::string& line) override { sweep_.say(name_ + ": " + line); }

 private:
  SweepProgress& sweep_;
  std::size_t cell_;
  std::string name_;
};

}  // namespace lacuna::cli
