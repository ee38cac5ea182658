#include "train/step_profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace lacuna {

namespace {

/// Steps in the trace: more make it large and look alike.
constexpr std::int64_t kTracedSteps = 20;

/// Where each step begins in the times: each begins with the same operation.
std::vector<std::size_t> step_begins(const std::vector<OperationTime>& times) {
  std::vector<std::size_t> begins;
  for (std::size_t i = 0; i < times.size(); ++i) {
    const bool is_first = times[i].operation == times[0].operation;
    if (is_first && (i == 0 || times[i - 1].operation != times[0].operation)) begins.push_back(i);
  }
  return begins;
}

double at_ceilings(const OperationWork& work, const Ceilings& ceilings) {
  return std::max(
      {work.flop / ceilings.flop_per_second, work.bytes / ceilings.bytes_per_second, ceilings.operation_seconds});
}

std::string rate(double amount, double seconds) {
  return amount > 0 && seconds > 0 ? fmt::format("{:.1f}", amount / seconds * 1e-9) : "-";
}

}  // namespace

double largest_bytes(const StepPlan& plan) {
  double most = 0;
  for (const Operation& operation : plan.operations) most = std::max(most, work_of(plan, operation).bytes);
  return most;
}

ProfileSummary summarize(const StepProfile& profile, const Ceilings& ceilings) {
  ProfileSummary summary;
  for (const Operation& operation : profile.plan.operations) {
    ProfileRow row;
    row.work = work_of(profile.plan, operation);
    row.within_another = true;
    summary.rows.push_back(row);
  }
  const std::vector<std::size_t> begins = step_begins(profile.times);
  const auto all = static_cast<std::int64_t>(begins.size());
  summary.warm_up = std::min(kWarmUpSteps, all / 5);
  summary.steps = all - summary.warm_up;
  if (summary.steps == 0) return summary;
  for (std::size_t i = begins[static_cast<std::size_t>(summary.warm_up)]; i < profile.times.size(); ++i) {
    const OperationTime& time = profile.times[i];
    ProfileRow& row = summary.rows[static_cast<std::size_t>(time.operation)];
    row.seconds += time.seconds / static_cast<double>(summary.steps);
    row.within_another = false;
  }
  for (ProfileRow& row : summary.rows) {
    row.floor = row.within_another ? 0 : at_ceilings(row.work, ceilings);
    summary.seconds += row.seconds;
    summary.floor += row.floor;
  }
  for (ProfileRow& row : summary.rows) row.share = row.seconds / summary.seconds;
  return summary;
}

std::vector<std::string> profile_table(const ProfileSummary& summary, const Ceilings& ceilings) {
  std::size_t width = 0;
  for (const ProfileRow& row : summary.rows) width = std::max(width, row.work.name.size());
  std::vector<std::string> lines;
  lines.push_back(fmt::format("{:{}}  {:>10}  {:>6}  {:>10}  {:>9}  {:>8}  {:>9}  {:>8}", "operation", width, "us",
                              "share", "floor us", "MFLOP", "GFLOP/s", "kB", "GB/s"));
  double flop = 0, bytes = 0;
  const auto add = [&](const std::string& name, double seconds, double share, double floor, double f, double b) {
    lines.push_back(fmt::format("{:{}}  {:>10.2f}  {:>5.1f}%  {:>10.2f}  {:>9}  {:>8}  {:>9.1f}  {:>8}", name, width,
                                seconds * 1e6, 100 * share, floor * 1e6, f > 0 ? fmt::format("{:.2f}", f * 1e-6) : "-",
                                rate(f, seconds), b * 1e-3, rate(b, seconds)));
  };
  for (const ProfileRow& row : summary.rows) {
    flop += row.work.flop;
    bytes += row.work.bytes;
    if (row.within_another)
      lines.push_back(fmt::format("{:{}}  {:>10}", row.work.name, width, "in another"));
    else
      add(row.work.name, row.seconds, row.share, row.floor, row.work.flop, row.work.bytes);
  }
  add("step", summary.seconds, 1, summary.floor, flop, bytes);
  lines.push_back(fmt::format(
      "means of {} steps after {}; floor: the longest of its arithmetic at {:.1f} GFLOP/s (a product of {} x {} x {}), "
      "its bytes at {:.1f} GB/s (a copy as large as the largest operation) and {:.2f} us for an operation that does "
      "nothing, all measured here",
      summary.steps, summary.warm_up, ceilings.flop_per_second * 1e-9, ceilings.product, ceilings.product,
      ceilings.product, ceilings.bytes_per_second * 1e-9, ceilings.operation_seconds * 1e6));
  return lines;
}

std::string chrome_trace(const StepProfile& profile, const std::string& process) {
  using Json = nlohmann::ordered_json;
  constexpr double kMicro = 1e6;
  Json events = Json::array();
  events.push_back({{"name", "process_name"}, {"ph", "M"}, {"pid", 0}, {"tid", 0}, {"args", {{"name", process}}}});
  const auto add = [&events](const std::string& name, const char* category, double begin, double end, Json arguments) {
    events.push_back({{"name", name},
                      {"cat", category},
                      {"ph", "X"},
                      {"pid", 0},
                      {"tid", 0},
                      {"ts", begin * kMicro},
                      {"dur", (end - begin) * kMicro},
                      {"args", std::move(arguments)}});
  };
  std::vector<std::size_t> begins = step_begins(profile.times);
  const auto steps = static_cast<std::int64_t>(begins.size());
  begins.push_back(profile.times.size());
  for (std::int64_t step = std::max<std::int64_t>(0, steps - kTracedSteps); step < steps; ++step) {
    const std::size_t first = begins[static_cast<std::size_t>(step)], end = begins[static_cast<std::size_t>(step) + 1];
    const OperationTime& last = profile.times[end - 1];
    add(fmt::format("step {}", step + 1), "step", profile.times[first].begin, last.begin + last.seconds,
        Json::object());
    for (std::size_t i = first; i < end; ++i) {
      const OperationTime& time = profile.times[i];
      const Operation& operation = profile.plan.operations[static_cast<std::size_t>(time.operation)];
      const OperationWork work = work_of(profile.plan, operation);
      add(work.name, "operation", time.begin, time.begin + time.seconds,
          {{"operation", profile.plan.describe(operation)}, {"flop", work.flop}, {"bytes", work.bytes}});
    }
  }
  return Json{{"traceEvents", std::move(events)}, {"displayTimeUnit", "ns"}}.dump(1) + "\n";
}

}  // namespace lacuna
