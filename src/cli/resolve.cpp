#include "cli/resolve.h"

#include <fmt/format.h>

#include "cli/config.h"
#include "lacuna/error.h"

namespace lacuna::cli {

namespace {

const std::string kPrefix = "train.";

}  // namespace

GivenValues given_values(const Invocation& invocation, CommandBit command) {
  GivenValues given;
  if (invocation.has("config")) given = read_config(invocation.get("config"));
  for (const auto& [name, value] : invocation.settings) given[name] = value;
  std::erase_if(given, [&](const auto& item) { return (find_setting(item.first)->commands & command) == 0; });
  return given;
}

std::map<std::string, std::string> metadata_of(const Settings& settings) {
  std::map<std::string, std::string> metadata;
  for (const Setting& setting : all_settings()) {
    const std::string_view group = setting.group;
    if (is_recorded(setting, settings) && group != "Machine" && group != "Run")
      metadata[kPrefix + setting.name] = setting.show(settings);
  }
  return metadata;
}

Settings settings_for_model(const Model& model, const std::string& model_path, const GivenValues& given) {
  GivenValues remembered;
  for (const auto& [key, text] : model.metadata) {
    if (!key.starts_with(kPrefix)) continue;
    const std::string name = key.substr(kPrefix.size());
    if (find_setting(name) != nullptr) remembered[name] = {text, fmt::format("{}: metadata {}", model_path, key)};
  }
  remembered.erase("init");  // a file that need not be there any more
  if (given.contains("data"))
    for (const char* name : {"data", "split", "limit", "seed"}) remembered.erase(name);
  if (given.contains("split")) remembered.erase("limit");
  Settings settings;
  apply_values(settings, remembered);
  apply_values(settings, given);
  return settings;
}

std::unique_ptr<Backend> open_backend(const Settings& settings) {
  auto backend = make_backend(settings.device, settings.threads);
  const std::string kind = backend->describe().kind;
  if (settings.precision != Precision::fp32)
    throw InputError(
        fmt::format("--precision {} is not built yet for device {}; use fp32", to_string(settings.precision), kind));
  return backend;
}

Dataset open_data(const Settings& settings) {
  Dataset data = open_dataset(settings.data, settings.data_options);
  require_trainable(data, settings.objective.loss == Loss::bce);
  return data;
}

}  // namespace lacuna::cli
