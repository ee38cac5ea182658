#pragma once

#include <functional>
#include <map>
#include <memory>
#include <tuple>
#include <vector>

#include "train/plans.h"
#include "train/sample_stream.h"

namespace lacuna {

/// What a batch leaves where a goal asks for it: the batch itself, its code, its output.
enum class BatchResult { input, code, output };

/// Runs forward plans over a data set in consecutive batches, with the memory that this needs on the device.
class ForwardBatches {
 public:
  /// Batches of `rows`, fewer where the device has too little memory for them. Throws InputError if the data does not
  /// fit the network.
  ForwardBatches(Backend& backend, const Model& model, const Dataset& samples, std::int64_t rows);

  const Network& network() const { return network_; }
  std::int64_t data_rows() const { return data_rows_; }
  /// Values of a sample's output; of a classifier, the classes.
  std::int64_t output_columns() const { return network_.classifier ? network_.classes() : network_.features(); }
  std::int64_t parameter_bytes() const { return parameters_->bytes(); }

  /// Goes on with these parameters, of a model with the same network.
  void take_parameters(const Model& model);
  /// Labels are the loss's alone: codes and answers are there for data that have none, or other classes. Throws
  /// InputError where there are none.
  void place_labels();

  /// Calls after_batch(rows) after each batch.
  void run(ForwardGoal goal, const Objective& objective, const std::function<void(std::int64_t rows)>& after_batch);
  /// Gives back the memory of results and what was compiled. A loss, which has none, is asked for again and again.
  void forget_results();

  // Of the batch that has just run.
  StepLoss loss();
  /// The code's column sums, and those of its absolute values: [code_units].
  void download_sums(std::vector<float>& to) { download(to, *sums_); }
  void download_abs_sums(std::vector<float>& to) { download(to, *abs_sums_); }
  /// Rows [begin, begin + rows) of a result.
  void download(std::vector<float>& to, BatchResult result, std::int64_t begin, std::int64_t rows);

 private:
  void prepare(ForwardGoal goal, const Objective& objective);
  bool compile_all(ForwardGoal goal, const Objective& objective);
  void allocate_results(ForwardGoal goal);
  void close_stream();
  std::unique_ptr<Executable> compile(ForwardGoal goal, const Objective& objective, std::int64_t rows);
  void download(std::vector<float>& to, DeviceBuffer& from);

  Backend& backend_;
  const Network network_;
  const Dataset dataset_;
  const std::int64_t data_rows_;
  std::int64_t batch_;                            // halved where a device has too little memory
  std::unique_ptr<SampleStream> samples_stream_;  // in place of data and labels
  bool unit_interval_ = false;                    // what streamed values must be in
  std::unique_ptr<DeviceBuffer> data_, state_, scalars_, ring_, parameters_, sums_, abs_sums_, labels_;
  std::unique_ptr<DeviceBuffer> input_, code_, output_;  // of a batch, where the goal is to have them
  /// By goal, element loss and rows.
  std::map<std::tuple<ForwardGoal, Loss, std::int64_t>, std::unique_ptr<Executable>> executables_;
};

}  // namespace lacuna
