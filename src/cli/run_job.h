#pragma once

#include <nlohmann/json.hpp>

#include "cli/job.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/stop.h"

namespace lacuna::cli {

/// What a command found, and the exit status of the program.
struct CommandResult {
  nlohmann::ordered_json json;
  int status = 0;
};

/// For people: what computes, and what is learnt from.
std::string device_text(const Settings& settings, const Backend& backend);
std::string data_text(const Dataset& data);
/// A warning of values that the output layer never gives: they cannot be learnt, and may be most of the loss. Empty
/// where there are none, or where nobody has looked at all samples (streamed ones).
std::string out_of_reach_text(const Dataset& data, const Network& network);

/// A job that is ready to begin.
struct JobRun {
  const Settings& settings;
  Backend& backend;
  const Job& job;                   ///< its model is the trainer's by now
  std::optional<Trainer>& trainer;  ///< gone as soon as it has trained
};

/// Trains in the run directory that the settings name, and writes what stands there at the end. The exit status is not
/// 0 where a signal ended it early. Several may run at once, on threads and backends of their own.
CommandResult run_in_directory(const JobRun& run, Console& console, const StopOnSignal& stop);

/// Runs a training command from its arguments to its run directory: settings, data, training, what is written at the
/// end. The result is the summary that is printed.
CommandResult run_job(const Invocation& invocation, CommandBit command, Job (*make)(const Settings&, Backend&));

CommandResult train(const Invocation& invocation);
CommandResult classify(const Invocation& invocation);
CommandResult finetune(const Invocation& invocation);
CommandResult evaluate(const Invocation& invocation);

}  // namespace lacuna::cli
