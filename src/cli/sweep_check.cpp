#include "cli/sweep_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <set>

#include "cli/job_settings.h"
#include "cli/run_job.h"
#include "lacuna/error.h"
#include "train/memory.h"
#include "train/plans.h"

namespace lacuna::cli {

namespace {

/// The command that would train this model alone.
Invocation invocation_of(const SweepPlan& plan, const SweepCell& cell) {
  Invocation invocation;
  invocation.command = "train";
  invocation.settings = plan.settings;
  for (const auto& [name, value] : cell.settings) invocation.settings[name] = value;
  invocation.settings["out"] = {plan.out + "/" + cell.name, "--out"};
  if (plan.force) invocation.settings["force"] = {"on", "--force"};
  std::error_code ignored;
  if (plan.resume && std::filesystem::exists(plan.out + "/" + cell.name, ignored))
    invocation.settings["resume"] = {"on", "--resume"};
  return invocation;
}

/// Two models with the same key learn from the same.
std::string data_key(const Settings& settings) {
  std::string key = settings.model;
  for (const Setting& setting : all_settings())
    if (const std::string_view group = setting.group, name = setting.name;
        group == "Data" || name == "loss" || name == "stream" || name == "window")
      key.append("\n").append(setting.show(settings));
  const bool drawn = settings.data.starts_with("synthetic") || settings.draw_labels;
  return drawn ? fmt::format("{}\n{}", key, settings.seed) : key;
}

}  // namespace

std::vector<SweepJob> check_sweep(const SweepPlan& plan, const std::vector<SweepCell>& cells, Backend& backend) {
  std::vector<SweepJob> jobs;
  // What costs nothing first: a mistake in the last cell shall not have to wait for the data.
  for (const SweepCell& cell : cells) {
    try {
      jobs.push_back({job_settings(invocation_of(plan, cell), kTrain), nullptr});
      if (jobs.back().settings.backend.products.measured)
        throw InputError(
            "--products measured is for a model that is trained alone: measured beside others it would not be the same "
            "each time; give the products that its config.toml records");
    } catch (const InputError& error) {
      throw InputError(fmt::format("cell {}: {}", cell.name, error.what()));
    }
  }
  std::map<std::string, std::shared_ptr<const AutoencoderData>> known;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const Settings& settings = jobs[i].settings;
    try {
      auto& data = known[data_key(settings)];
      if (!data) data = std::make_shared<const AutoencoderData>(open_autoencoder_data(settings, backend));
      const Job job = autoencoder_job(settings, backend, *data);
      validate_training(job.model.network, job.data.train, job.options);
      jobs[i].data = data;
    } catch (const InputError& error) {
      throw InputError(fmt::format("cell {}: {}", cells[i].name, error.what()));
    }
  }
  return jobs;
}

std::vector<std::string> warnings_of(const std::vector<SweepJob>& jobs, const std::vector<SweepCell>& cells) {
  // Models that share samples and output activation are warned of alike; looking at all samples takes time.
  std::map<std::pair<const AutoencoderData*, Activation>, std::string> known;
  std::vector<std::string> texts;
  std::map<std::string, std::vector<std::string>> about;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const Dataset& train = jobs[i].data->samples.train;
    const Network network = autoencoder_of(jobs[i].settings, train);
    const auto [entry, is_new] = known.try_emplace({jobs[i].data.get(), network.output_layer().activation});
    if (is_new) entry->second = out_of_reach_text(train, network);
    const std::string& text = entry->second;
    if (text.empty()) continue;
    if (about[text].empty()) texts.push_back(text);
    about[text].push_back(cells[i].name);
  }
  std::vector<std::string> warnings;
  for (const std::string& text : texts) {
    const std::vector<std::string>& names = about[text];
    const std::string others = names.size() > 1 ? fmt::format(" and {} more", names.size() - 1) : "";
    warnings.push_back(fmt::format("warning: cell {}{}: {}", names.front(), others, text));
  }
  return warnings;
}

void require_room_for_jobs(const std::vector<SweepJob>& jobs, std::size_t at_once) {
  std::vector<double> needs;
  std::int64_t data = 0;
  std::set<const AutoencoderData*> counted;
  for (const SweepJob& job : jobs) {
    const Dataset& train = job.data->samples.train;
    needs.push_back(
        training_bytes(autoencoder_of(job.settings, train), trainer_options(job.settings, train.rows()), train.rows()));
    // Models share what is in memory; what is streamed, each reads for itself.
    if (train.streamed())
      needs.back() += static_cast<double>(train.memory_bytes());
    else if (counted.insert(job.data.get()).second)
      data += train.memory_bytes();
  }
  std::ranges::sort(needs, std::greater());
  needs.resize(std::min(needs.size(), at_once));
  try {
    require_memory(std::accumulate(needs.begin(), needs.end(), 0.0), data);
  } catch (const InputError& error) {
    throw InputError(
        fmt::format("{} models at once: {}; or train fewer at once: --jobs N", needs.size(), error.what()));
  }
}

}  // namespace lacuna::cli
