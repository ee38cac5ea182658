#include "gpu/graph_variants.h"

#include "devices.h"
#include "train/plans.h"

namespace lacuna::bench {

std::vector<GraphVariant> graph_variants() {
  return {{"steps:1", {.most_steps = 1}},
          {"steps:4", {.most_steps = 4}},
          {"steps:16", {.most_steps = 16}},
          {"steps:64", {.most_steps = 64}},
          {"steps:64/programmatic", {.most_steps = 64, .programmatic = true}},
          {"steps:64/gather_before", {.most_steps = 64, .gather_ahead = false}},
          {"steps:64/gather_before/programmatic", {.most_steps = 64, .gather_ahead = false, .programmatic = true}}};
}

GraphSteps::GraphSteps(int device, const Model& model, const Dataset& data, const TrainerOptions& options,
                       const GraphVariant& variant)
    : backend_(device, {}),
      cublas_(stream_.get(), Precision::fp32),
      products_(stream_, cublas_),
      cudnn_(stream_.get(), false) {
  constexpr std::int64_t kRing = 256;
  const StepPlan plan = build_training_plan(model.network, options, options.batch, data.rows(), data.dtype(), kRing);
  Bindings bindings;
  for (const Buffer& buffer : plan.buffers) {
    if (buffer.kind != Buffer::Kind::bound) continue;
    buffers_.push_back(backend_.allocate(buffer.bytes(), buffer.name));
    bindings[buffer.name] = buffers_.back().get();
  }
  backend_.upload(*bindings[names::kData], 0, data.values(), data.bytes());
  DeviceBuffer& parameters = *bindings[names::kParameters];
  backend_.upload(parameters, 0, model.parameters.data(), parameters.bytes());
  executable_ = cuda::compile(plan, bindings, stream_, products_, cudnn_, cuda::use_device(device), variant.options);
}

double GraphSteps::milliseconds(std::int64_t steps) const {
  begin_.record(stream_.get());
  executable_->run(steps);
  end_.record(stream_.get());
  end_.synchronize();
  return end_.milliseconds_since(begin_) / static_cast<double>(steps);
}

}  // namespace lacuna::bench
