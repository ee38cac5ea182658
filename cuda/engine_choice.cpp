#include "engine_choice.h"

#include <fmt/format.h>

#include <utility>

#include "lacuna/error.h"
#include "rehearsal.h"
#include "resident/resident_executable.h"
#include "resident/resident_plan.h"

namespace lacuna::cuda {

namespace {

/// The graph engine unless the other one is clearly faster: near a tie the choice, and with it the last bits of a run,
/// would be the clock's.
constexpr double kClearly = 0.9;

StepMeter& step_meter() {
  static StepMeter meter;
  return meter;
}

double seconds_of(Engine engine, const std::function<double()>& measure) {
  return step_meter() ? step_meter()(engine, measure) : measure();
}

/// Adds to what an executable says of itself.
class Remarked final : public Executable {
 public:
  Remarked(std::unique_ptr<Executable> executable, std::string remark, Engine engine)
      : executable_(std::move(executable)), remark_(std::move(remark)), engine_(engine) {}

  std::int64_t run(std::int64_t steps, const std::atomic<bool>* stop) override { return executable_->run(steps, stop); }
  std::vector<std::string> remarks() const override {
    std::vector<std::string> all = executable_->remarks();
    all.insert(all.begin(), remark_);
    return all;
  }
  Engine engine() const override { return engine_; }
  ProductAlgorithms products() const override { return executable_->products(); }

 private:
  std::unique_ptr<Executable> executable_;
  std::string remark_;
  Engine engine_;
};

/// The same for all batch sizes of one network.
std::string key_of(const StepPlan& plan) {
  std::string key;
  for (const Buffer& buffer : plan.buffers)
    if (buffer.kind != Buffer::Kind::scratch) key += fmt::format("{}{} ", buffer.name, to_string(buffer.shape));
  return key;
}

}  // namespace

void set_step_meter(StepMeter meter) {
  step_meter() = std::move(meter);
}

std::unique_ptr<Executable> EngineChoice::compile(const StepPlan& plan, const Bindings& bindings, const Stream& stream,
                                                  const GraphCompiler& graph) {
  if (asked_ == Engine::graph || !is_training_step(plan)) return graph(bindings);
  std::string why;
  const bool can = runs_resident(plan, precision_, multiprocessors_, why);
  if (asked_ == Engine::resident) {
    if (!can) throw InputError(fmt::format("--engine resident cannot run this: {}; use --engine graph", why));
    return compile_resident(plan, bindings, stream, precision_, multiprocessors_);
  }
  if (can) return choose(plan, bindings, stream, graph);
  return std::make_unique<Remarked>(graph(bindings), "engine graph: the resident engine cannot run this: " + why,
                                    Engine::automatic);
}

std::unique_ptr<Executable> EngineChoice::choose(const StepPlan& plan, const Bindings& bindings, const Stream& stream,
                                                 const GraphCompiler& graph) {
  const auto resident = [&](const Bindings& to) {
    return compile_resident(plan, to, stream, precision_, multiprocessors_);
  };
  const std::string key = key_of(plan);
  if (!measured_.contains(key)) {
    const double by_graph = seconds_of(Engine::graph, [&] { return rehearse(plan, bindings, stream, graph); });
    const double by_resident = seconds_of(Engine::resident, [&] { return rehearse(plan, bindings, stream, resident); });
    const Engine faster = by_resident < kClearly * by_graph ? Engine::resident : Engine::graph;
    measured_[key] = {faster,
                      fmt::format("engine {} by measurement: a step takes {:.1f} us resident, {:.1f} us by graph",
                                  to_string(faster), 1e6 * by_resident, 1e6 * by_graph)};
  }
  const Measured& measured = measured_[key];
  return std::make_unique<Remarked>(measured.engine == Engine::resident ? resident(bindings) : graph(bindings),
                                    measured.remark, measured.engine);
}

}  // namespace lacuna::cuda
