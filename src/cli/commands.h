#pragma once

#include "cli/options.h"

namespace lacuna::cli {

// Each runs one command and returns the exit status of the program; errors are thrown.
int train_command(const Invocation& invocation);
int classify_command(const Invocation& invocation);
int finetune_command(const Invocation& invocation);
int semi_command(const Invocation& invocation);
int sweep_command(const Invocation& invocation);
int eval_command(const Invocation& invocation);
int encode_command(const Invocation& invocation);
int reconstruct_command(const Invocation& invocation);
int mosaic_command(const Invocation& invocation);
int report_command(const Invocation& invocation);
int data_info_command(const Invocation& invocation);
int data_fetch_command(const Invocation& invocation);
int export_command(const Invocation& invocation);
int recipe_list_command(const Invocation& invocation);
int recipe_show_command(const Invocation& invocation);
int recipe_run_command(const Invocation& invocation);
int devices_command(const Invocation& invocation);

/// The page about these run directories, or about one of a recipe or a sweep.
void write_report(const std::vector<std::string>& paths, const std::string& out);

}  // namespace lacuna::cli
