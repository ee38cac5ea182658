#include <csignal>
#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <utility>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/patience.h"
#include "cli/stop.h"
#include "lacuna/error.h"

namespace {

using lacuna::cli::Invocation;

constexpr std::pair<const char*, int (*)(const Invocation&)> kCommands[] = {
    {"train", lacuna::cli::train_command},
    {"classify", lacuna::cli::classify_command},
    {"finetune", lacuna::cli::finetune_command},
    {"semi", lacuna::cli::semi_command},
    {"sweep", lacuna::cli::sweep_command},
    {"eval", lacuna::cli::eval_command},
    {"encode", lacuna::cli::encode_command},
    {"reconstruct", lacuna::cli::reconstruct_command},
    {"mosaic", lacuna::cli::mosaic_command},
    {"export", lacuna::cli::export_command},
    {"report", lacuna::cli::report_command},
    {"data info", lacuna::cli::data_info_command},
    {"data fetch", lacuna::cli::data_fetch_command},
    {"devices", lacuna::cli::devices_command},
    {"recipe list", lacuna::cli::recipe_list_command},
    {"recipe show", lacuna::cli::recipe_show_command},
    {"recipe run", lacuna::cli::recipe_run_command},
};

int dispatch(int argc, char** argv) {
  const auto invocation = lacuna::cli::parse_command_line(argc, argv);
  if (!invocation) return 0;
  for (const auto& [name, run] : kCommands)
    if (invocation->command == name) return run(*invocation);
  return 2;
}

int fail(int status, std::string what) {
  for (char& c : what)
    if (c == '\n') c = ' ';
  lacuna::cli::tell("lacuna: error: " + what);
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  lacuna::cli::restart_with_short_spins(argv);
  // A reader that leaves, or a limit on the size of files, shall be an error to handle and not a sudden end.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    lacuna::cli::receive_stop_signals();
    return dispatch(argc, argv);
  } catch (const lacuna::InputError& error) {
    return fail(2, error.what());
  } catch (const lacuna::cli::OutputClosed&) {
    return 1;
  } catch (const std::bad_alloc&) {
    return fail(1, "out of memory; use a smaller network, batch or --limit");
  } catch (const std::exception& error) {
    return fail(1, error.what());
  } catch (...) {
    return fail(1, "something unforeseen happened");
  }
}
