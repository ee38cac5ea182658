#include "cuda/graph_run.h"

#include <gtest/gtest.h>

#include "devices.h"
#include "train/plans.h"

namespace lacuna::test {

GraphRun::GraphRun(const TrainingRun& run, const cuda::GraphOptions& options, Precision precision)
    : backend_(make_backend("cuda", {.precision = precision, .engine = Engine::graph})),
      cublas_(stream_.get(), precision),
      products_(stream_, cublas_),
      cudnn_(stream_.get(), precision != Precision::fp32) {
  constexpr std::int64_t kRing = 128;
  const Dataset& data = run.data;
  const StepPlan plan =
      build_training_plan(run.start.network, run.options, run.options.batch, data.rows(), data.dtype(), kRing);
  Bindings bindings;
  for (const Buffer& buffer : plan.buffers)
    if (buffer.kind == Buffer::Kind::bound)
      bindings[buffer.name] = (buffers_[buffer.name] = backend_->allocate(buffer.bytes(), buffer.name)).get();
  if (const auto labels = buffers_.find(names::kLabels); labels != buffers_.end())
    backend_->upload(*labels->second, 0, data.labels().data(), labels->second->bytes());
  backend_->upload(*buffers_.at(names::kData), 0, data.values(), data.bytes());
  DeviceBuffer& parameters = *buffers_.at(names::kParameters);
  backend_->upload(parameters, 0, run.start.parameters.data(), parameters.bytes());
  executable_ = cuda::compile(plan, bindings, stream_, products_, cudnn_, cuda::use_device(0), options);
}

void GraphRun::steps(std::int64_t count) {
  EXPECT_EQ(executable_->run(count), count);
  stream_.synchronize();
}

std::vector<std::byte> GraphRun::result() {
  std::vector<std::byte> result;
  for (const auto& [name, buffer] : buffers_) {
    if (name == names::kData || name == names::kLabels) continue;
    std::vector<std::byte> bytes(static_cast<std::size_t>(buffer->bytes()));
    backend_->download(bytes.data(), *buffer, 0, buffer->bytes());
    result.insert(result.end(), bytes.begin(), bytes.end());
  }
  return result;
}

}  // namespace lacuna::test
