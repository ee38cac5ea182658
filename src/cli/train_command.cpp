#include "cli/commands.h"
#include "cli/output.h"
#include "cli/run_job.h"
#include "core/json_text.h"

namespace lacuna::cli {

namespace {

int print(const CommandResult& result) {
  print_line(core::json_text(result.json));
  return result.status;
}

}  // namespace

CommandResult train(const Invocation& invocation) {
  return run_job(invocation, kTrain, autoencoder_job);
}
CommandResult classify(const Invocation& invocation) {
  return run_job(invocation, kClassify, classify_job);
}
CommandResult finetune(const Invocation& invocation) {
  return run_job(invocation, kFinetune, finetune_job);
}

int train_command(const Invocation& invocation) {
  return print(train(invocation));
}
int classify_command(const Invocation& invocation) {
  return print(classify(invocation));
}
int finetune_command(const Invocation& invocation) {
  return print(finetune(invocation));
}

}  // namespace lacuna::cli
