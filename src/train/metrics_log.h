#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace lacuna {

/// One line of metrics.jsonl; the keys are the members' names.
struct EpochMetrics {
  std::int64_t epoch = 0;                                               ///< epochs completed
  std::int64_t step = 0;                                                ///< steps taken
  double loss = 0, reconstruction = 0, sparsity = 0, weight_decay = 0;  ///< means over samples, before each update
  double mean_activation = 0;
  double seconds = 0;  ///< time spent on steps
  double samples_per_second = 0;
};

/// metrics.jsonl: one JSON object for each epoch completed.
class MetricsLog {
 public:
  /// Keeps the lines of the first `epochs` epochs and drops what comes after them, so that a resumed run continues the
  /// file as if it had never stopped.
  MetricsLog(std::string path, std::int64_t epochs);

  /// Throws Error if the disk is full; the file then ends with the last whole line.
  void append(const EpochMetrics& metrics);
  /// The last line kept or appended.
  const std::optional<EpochMetrics>& last() const { return last_; }

 private:
  std::string path_;
  std::optional<EpochMetrics> last_;
};

}  // namespace lacuna
