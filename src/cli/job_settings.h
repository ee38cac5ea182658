#pragma once

#include "cli/options.h"

namespace lacuna::cli {

/// The settings of a training command with its run directory: of a run that goes on those that it began with, and on
/// top of them what may differ. Throws InputError where they do not agree, or the directory is not to be used so.
Settings job_settings(const Invocation& invocation, CommandBit command);

/// The settings of a command that begins afresh, wherever it writes to. Throws InputError where they do not agree, as
/// job_settings would.
Settings check_settings(const Invocation& invocation, CommandBit command);

}  // namespace lacuna::cli
