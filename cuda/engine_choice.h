#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "lacuna/backend.h"
#include "runtime/stream.h"

namespace lacuna::cuda {

/// Seconds of a training step with an engine; `measure` runs some steps on copies and times them on the device.
using StepMeter = std::function<double(Engine engine, const std::function<double()>& measure)>;
/// Replaces the meter of all backends: for machines whose clock says nothing about engines, and for tests.
void set_step_meter(StepMeter meter);

/// Picks the engine of a backend's training steps: the one asked for, or the faster one by measuring both for a moment.
/// What was measured once holds for all batches of the same network.
class EngineChoice {
 public:
  using GraphCompiler = std::function<std::unique_ptr<Executable>(const Bindings&)>;

  EngineChoice(Engine asked, Precision precision, int multiprocessors)
      : asked_(asked), precision_(precision), multiprocessors_(multiprocessors) {}

  /// `graph` compiles the same plan for the graph engine. Training state is left as it is. Throws InputError where the
  /// engine asked for cannot run the plan.
  std::unique_ptr<Executable> compile(const StepPlan& plan, const Bindings& bindings, const Stream& stream,
                                      const GraphCompiler& graph);

 private:
  std::unique_ptr<Executable> choose(const StepPlan& plan, const Bindings& bindings, const Stream& stream,
                                     const GraphCompiler& graph);

  struct Measured {
    Engine engine;
    std::string remark;
  };
  Engine asked_;
  Precision precision_;
  int multiprocessors_;
  std::map<std::string, Measured> measured_;  // by what the plans of one network have in common
};

}  // namespace lacuna::cuda
