#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cuda_backend.h"
#include "cuda_executable.h"
#include "lacuna/trainer.h"
#include "runtime/event.h"

namespace lacuna::bench {

/// A way of putting steps into graphs, by name.
struct GraphVariant {
  std::string name;
  cuda::GraphOptions options;
};
std::vector<GraphVariant> graph_variants();

/// Training steps compiled in one of these ways, with memory of their own.
class GraphSteps {
 public:
  GraphSteps(int device, const Model& model, const Dataset& data, const TrainerOptions& options,
             const GraphVariant& variant);

  /// Milliseconds of a step, of `steps` one after another, on the device's clock.
  double milliseconds(std::int64_t steps) const;

 private:
  cuda::CudaBackend backend_;
  cuda::Stream stream_;
  cuda::Cublas cublas_;
  cuda::ProductChoice products_;
  cuda::Cudnn cudnn_;
  std::vector<std::unique_ptr<DeviceBuffer>> buffers_;
  std::unique_ptr<Executable> executable_;
  cuda::Event begin_{cuda::Event::Timing::on}, end_{cuda::Event::Timing::on};
};

}  // namespace lacuna::bench
