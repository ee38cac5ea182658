#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lacuna {

/// One line of metrics.jsonl; the keys are the members' names. Of a classifier: cross_entropy in place of
/// reconstruction, sparsity and mean_activation, and training_error.
struct EpochMetrics {
  std::int64_t epoch = 0;                                               ///< epochs completed
  std::int64_t step = 0;                                                ///< steps taken
  double loss = 0, reconstruction = 0, sparsity = 0, weight_decay = 0;  ///< means over samples, before each update
  double mean_activation = 0;
  double seconds = 0;  ///< time spent on steps
  double samples_per_second = 0;
  std::optional<double> training_error = {};       ///< classifiers: share of wrong answers before each update
  std::optional<double> validation_loss = {};      ///< autoencoders: reconstruction on samples held out
  std::optional<double> validation_accuracy = {};  ///< classifiers: on samples held out
  std::optional<double> test_accuracy = {};        ///< classifiers
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
  /// Every line kept or appended, in order.
  const std::vector<EpochMetrics>& all() const { return all_; }

 private:
  std::string path_;
  std::optional<EpochMetrics> last_;
  std::vector<EpochMetrics> all_;
};

}  // namespace lacuna
