#pragma once

#include "cli/options.h"

namespace lacuna::cli {

// Each runs one command and returns the exit status of the program; errors are thrown.
int train_command(const Invocation& invocation);
int eval_command(const Invocation& invocation);
int encode_command(const Invocation& invocation);
int reconstruct_command(const Invocation& invocation);
int mosaic_command(const Invocation& invocation);
int data_info_command(const Invocation& invocation);
int data_fetch_command(const Invocation& invocation);
int devices_command(const Invocation& invocation);

}  // namespace lacuna::cli
