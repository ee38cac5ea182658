#pragma once

#include <string>
#include <vector>

#include "train/run.h"

namespace lacuna {

/// Tells several observers, in the order in which they were added; they must outlive it.
class Observers : public RunObserver {
 public:
  void add(RunObserver& observer) { observers_.push_back(&observer); }
  void on_progress(const RunProgress& progress) override {
    for (RunObserver* observer : observers_) observer->on_progress(progress);
  }
  void on_epoch(const EpochMetrics& metrics, const RunProgress& progress) override {
    for (RunObserver* observer : observers_) observer->on_epoch(metrics, progress);
  }
  void on_remark(const std::string& remark) override {
    for (RunObserver* observer : observers_) observer->on_remark(remark);
  }

 private:
  std::vector<RunObserver*> observers_;
};

}  // namespace lacuna
