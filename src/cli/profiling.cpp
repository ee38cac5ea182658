#include "cli/profiling.h"

#include <fmt/format.h>

#include "io/atomic_file.h"
#include "train/step_profile.h"

namespace lacuna::cli {

namespace {

constexpr std::int64_t kSteps = 200;

}  // namespace

Profiling::Profiling(Backend& backend, Trainer& trainer) : device_(backend.describe()) {
  trainer.profile(kWarmUpSteps + kSteps, profile_);
  profile_.times.reserve(static_cast<std::size_t>(kWarmUpSteps + kSteps) * 2 * profile_.plan.operations.size());
  ceilings_ = measure_ceilings(backend, largest_bytes(profile_.plan));
}

void Profiling::show(const RunDirectory& directory, Console& console, nlohmann::ordered_json& summary) const {
  if (profile_.times.empty()) {
    console.say("profile  no step on a whole batch was made: there is nothing to show");
    return;
  }
  console.say(
      fmt::format("profile  {}", device_.kind == "cuda"
                                     ? "events around each operation, queued one by one: the graph that training "
                                       "replays hides the launches that show here"
                                     : "a clock around each operation"));
  for (const std::string& line : profile_table(summarize(profile_, ceilings_), ceilings_)) console.say("  " + line);
  io::write_text_file(directory.profile(), chrome_trace(profile_, fmt::format("{}: {}", device_.kind, device_.name)));
  console.say(fmt::format("  the last steps as a trace: {} (chrome://tracing or Perfetto)", directory.profile()));
  summary["profile"] = directory.profile();
}

}  // namespace lacuna::cli
