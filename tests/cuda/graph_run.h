#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cuda_executable.h"
#include "parity/training_run.h"

namespace lacuna::test {

/// Training steps in graphs that are made as the test wants them, with memory of their own. The run's batch must divide
/// its samples; its number of steps does not count here.
class GraphRun {
 public:
  GraphRun(const TrainingRun& run, const cuda::GraphOptions& options, Precision precision);

  void steps(std::int64_t count);
  /// The bytes of all that training changes, losses of the latest steps included.
  std::vector<std::byte> result();

 private:
  std::unique_ptr<Backend> backend_;
  cuda::Stream stream_;
  cuda::Cublas cublas_;
  cuda::ProductChoice products_;
  cuda::Cudnn cudnn_;
  std::map<std::string, std::unique_ptr<DeviceBuffer>> buffers_;
  std::unique_ptr<Executable> executable_;
};

}  // namespace lacuna::test
