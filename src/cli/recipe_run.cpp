#include "cli/recipe_run.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>

#include "cli/commands.h"
#include "cli/config.h"
#include "cli/job_settings.h"
#include "cli/output.h"
#include "cli/resolve.h"
#include "cli/run_job.h"
#include "core/clock.h"
#include "core/json_text.h"
#include "io/atomic_file.h"
#include "lacuna/error.h"
#include "lacuna/parameter_arrays.h"

namespace lacuna::cli {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

using core::Clock;
using core::seconds_since;

/// What the stages of one pass found, by name.
using Results = std::map<std::string, Json>;

/// The figures of one place in a table, one for each seed, as text.
std::string figure_text(const std::vector<double>& values, const std::string& show) {
  if (values.empty()) return "–";
  double mean = 0, squares = 0;
  for (double v : values) mean += v / static_cast<double>(values.size());
  for (double v : values) squares += (v - mean) * (v - mean);
  const double spread = values.size() > 1 ? std::sqrt(squares / static_cast<double>(values.size() - 1)) : 0;
  const auto both = [&](const char* one, const char* two, double scale) {
    std::string text = fmt::format(fmt::runtime(one), scale * mean);
    if (values.size() > 1) text += fmt::format(fmt::runtime(two), scale * spread);
    return text;
  };
  if (show == "percent") return both("{:.2f} %", " ± {:.2f}", 100);
  if (show == "count") return both("{:.0f}", " ± {:.0f}", 1);
  if (show == "seconds") return both("{:.1f} s", " ± {:.1f}", 1);
  return both("{:.4g}", " ± {:.2g}", 1);
}

CommandBit command_of(const RecipeStage& stage) {
  return static_cast<CommandBit>(find_recipe_kind(stage.kind)->command);
}

/// The command behind a stage, but for models and files.
Invocation invocation_of(const RecipePlan& plan, const RecipeStage& stage, std::int64_t pass) {
  Invocation invocation;
  invocation.command = stage.kind == "pretrain" ? "train" : stage.kind;
  invocation.settings = stage.settings;
  for (const auto& [name, value] : plan.overrides) invocation.settings[name] = value;
  if (!stage.settings.contains("seed"))
    invocation.settings["seed"] = {std::to_string(plan.seed + static_cast<std::uint64_t>(pass)), "--seed"};
  return invocation;
}

/// The same for all spellings of a path, whether or not there is something.
fs::path canonical(const std::string& path) {
  std::error_code error;
  const fs::path found = fs::weakly_canonical(fs::absolute(path, error), error);
  return error ? fs::path(path) : found;
}

/// Looks, before the first stage takes its time, for what each will need: a device, data, a network that can be.
/// Stages are checked in the order in which they run.
class FirstCheck {
 public:
  explicit FirstCheck(const RecipePlan& plan) : plan_(plan) {}

  void check(const RecipeStage& stage) {
    try {
      if (stage.trains())
        check_training(stage);
      else if (stage.kind == "evaluate" || stage.kind == "encode" || stage.what == "reconstruction")
        check_reading(stage);
      else if (!stage.model.empty())
        model_of(stage.model);
    } catch (const InputError& error) {
      throw InputError(fmt::format("stage {}: {}", stage.name, error.what()));
    }
  }

 private:
  /// Of what there is not yet only what it will remember.
  Model model_of(const std::string& model) const {
    return model.starts_with("@") ? models_.at(model.substr(1)) : load_model(model);
  }

  void check_training(const RecipeStage& stage) {
    Invocation invocation = invocation_of(plan_, stage, 0);
    if (!stage.model.empty()) invocation.settings["model"] = {stage.model, "model"};
    const Settings settings = check_settings(invocation, command_of(stage));
    Model& model = models_[stage.name];
    model.metadata = metadata_of(settings);
    std::optional<Dataset> sample;
    if (!comes_from_a_stage(settings.data))
      sample = sample_of(stage.kind, settings, [&] { return open_job_data(settings, nullptr).train; });
    if (!settings.model.empty()) sample = code_of(model_of(settings.model));
    if (stage.kind != "pretrain" || !sample) return;
    model.network = autoencoder_of(settings, *sample);
    settings.objective.validate(model.network);
  }

  void check_reading(const RecipeStage& stage) {
    const GivenValues given = given_values(invocation_of(plan_, stage, 0), command_of(stage));
    const Settings settings = settings_for_model(model_of(stage.model), stage.model, given);
    if (!comes_from_a_stage(settings.data)) sample_of("read", settings, [&] { return open_data(settings, nullptr); });
  }

  bool comes_from_a_stage(const std::string& source) const {
    const std::string path = source.substr(source.find(':') + 1);
    return canonical(path).string().starts_with(canonical(plan_.out).string() + "/");
  }

  /// Opens data once for each way to choose from them, and keeps only the form of a sample.
  template <class Open>
  Dataset sample_of(std::string key, const Settings& settings, const Open& open) {
    for (const Setting& setting : all_settings())
      if (const std::string_view group = setting.group, name = setting.name;
          group == "Data" || group == "Machine" || name == "seed" || name == "loss")
        key.append("\n").append(setting.show(settings));
    if (const auto known = samples_.find(key); known != samples_.end()) return known->second;
    open_backend(settings);
    const Dataset data = open();
    return samples_[key] = form(data.name(), data.sample_shape());
  }

  static Dataset form(const std::string& name, const Shape& shape) {
    const auto zeros = std::make_shared<std::vector<float>>(static_cast<std::size_t>(shape.elements()));
    return Dataset(name, 1, shape, DType::f32, zeros->data(), zeros);
  }

  /// What a network on the codes of this one sees; nothing where that is not known yet.
  static std::optional<Dataset> code_of(const Model& model) {
    if (model.network.encoder.empty()) return std::nullopt;
    return form("codes", {model.network.code_units()});
  }

  const RecipePlan& plan_;
  std::map<std::string, Model> models_;
  std::map<std::string, Dataset> samples_;
};

/// Whether an export leaves a file of this name: a parameter's, or a layer's.
bool is_exported(const std::string& name) {
  return name.ends_with(".npy") &&
         std::ranges::any_of(std::initializer_list<const char*>{"encoder.", "decoder.", "classifier."},
                             [&](const char* part) { return name.starts_with(part); });
}

/// The files of an earlier export, which may be replaced. Throws InputError if anything else is there.
std::vector<fs::path> exported_files(const std::string& directory) {
  const auto require = [](bool exported, const fs::path& path) {
    if (exported) return;
    throw InputError(
        fmt::format("{} is in the way of an export: move it away, or choose another --out", path.string()));
  };
  std::vector<fs::path> files;
  std::error_code error;
  const fs::file_status status = fs::symlink_status(directory, error);
  if (!fs::exists(status)) return files;
  require(fs::is_directory(status), directory);
  for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
    require(entry.is_regular_file() && is_exported(entry.path().filename().string()), entry.path());
    files.push_back(entry.path());
  }
  return files;
}

void require_done(int status) {
  if (status != 0) throw Interrupted{status};
}

class RecipeRun {
 public:
  RecipeRun(const Recipe& recipe, const RecipePlan& plan) : recipe_(recipe), plan_(plan) {}

  Json go() {
    check_stages();
    prepare_directory();
    try {
      for (std::int64_t pass = 0; pass < plan_.seeds; ++pass) run_pass(pass);
    } catch (...) {
      std::error_code not_empty;
      if (created_) fs::remove(plan_.out, not_empty);
      throw;
    }
    Json json;
    json["recipe"] = recipe_.name;
    json["title"] = recipe_.title;
    json["description"] = recipe_.description;
    json["seed"] = plan_.seed;
    json["seeds"] = plan_.seeds;
    if (recipe_.quick) json["quick"] = true;
    json["device"] = device_;
    double seconds = 0;
    for (const Json& stage : stages_) seconds += stage["seconds"].get<double>();
    json["seconds"] = seconds;
    json["stages"] = stages_;
    json["tables"] = tables();
    json["bars"] = bars();
    json["pictures"] = pictures_;
    io::write_text_file(plan_.out + "/recipe.json", core::json_text(json) + "\n");
    return json;
  }

 private:
  void check_stages() const {
    FirstCheck first(plan_);
    for (const RecipeStage& stage : recipe_.stages) {
      first.check(stage);
      if (stage.kind != "export" || (!plan_.force && !plan_.resume)) continue;
      for (std::int64_t pass = 0; pass < plan_.seeds; ++pass) exported_files(path(pass, stage.name));
    }
  }

  void prepare_directory() {
    std::error_code error;
    const bool recipe_there = fs::exists(plan_.out + "/recipe.json", error);
    if (fs::exists(plan_.out, error) && !fs::is_empty(plan_.out, error) && !plan_.force && !plan_.resume)
      throw InputError(
          fmt::format("{} exists{}; go on with it (--resume), replace what is there (--force) or choose "
                      "another --out",
                      plan_.out, recipe_there ? "" : " and is not empty"));
    created_ = fs::create_directories(plan_.out, error);
    if (error) throw InputError(fmt::format("cannot create {}: {}", plan_.out, error.message()));
    // What they tell would be of the runs before.
    if (plan_.force)
      for (const char* name : {"/recipe.json", "/report.html"}) fs::remove(plan_.out + name, error);
  }

  std::string prefix(std::int64_t pass) const {
    return plan_.seeds > 1 ? fmt::format("seed-{}/", plan_.seed + static_cast<std::uint64_t>(pass)) : "";
  }
  std::string path(std::int64_t pass, const std::string& stage) const {
    return fmt::format("{}/{}{}", plan_.out, prefix(pass), stage);
  }

  void run_pass(std::int64_t pass) {
    Results& results = results_.emplace_back();
    std::size_t number = 0;
    for (const RecipeStage& stage : recipe_.stages) {
      ++number;
      if (stage.kind == "compare") continue;
      tell(fmt::format("== {} {}/{}: {} ({}){}", recipe_.name, number, recipe_.stages.size(), stage.name, stage.kind,
                       plan_.seeds > 1 ? fmt::format(", seed {}", plan_.seed + static_cast<std::uint64_t>(pass)) : ""));
      const Clock::time_point start = Clock::now();
      Json result = run_stage(stage, pass);
      // Of a run that was resumed, also the time before.
      const double seconds = std::max(seconds_since(start), result.value("training_seconds", 0.0));
      if (result.contains("device")) device_ = result["device"].get<std::string>();
      Json line{{"name", prefix(pass) + stage.name}, {"kind", stage.kind}};
      if (stage.trains()) line["run"] = prefix(pass) + stage.name;
      line["seconds"] = seconds;
      stages_.push_back(std::move(line));
      results[stage.name] = std::move(result);
    }
  }

  /// A run that goes on takes no other model, but another spelling of the same path is none.
  std::string as_recorded(const std::string& run, const char* setting, const std::string& path) const {
    const std::string config = run + "/config.toml";
    std::error_code error;
    if (!plan_.resume || !fs::exists(config, error)) return path;
    const auto values = config_values(config);
    const auto recorded = values.find(setting);
    return recorded != values.end() && canonical(recorded->second) == canonical(path) ? recorded->second : path;
  }

  Json run_stage(const RecipeStage& stage, std::int64_t pass) {
    Invocation invocation = invocation_of(plan_, stage, pass);
    const std::string where = fmt::format("recipe {}", recipe_.name);
    const std::string model = stage.model.starts_with("@") ? path(pass, stage.model.substr(1)) : stage.model;
    if (stage.trains()) {
      const std::string out = path(pass, stage.name);
      if (!model.empty()) invocation.settings["model"] = {as_recorded(out, "model", model), where};
      if (const auto teacher = invocation.settings.find("teacher");
          teacher != invocation.settings.end() && teacher->second.text.starts_with("@"))
        teacher->second.text = as_recorded(out, "teacher", path(pass, teacher->second.text.substr(1)));
      invocation.settings["out"] = {out, where};
      if (plan_.force) invocation.settings["force"] = {"on", where};
      if (plan_.resume) invocation.settings["resume"] = {"on", where};
      const CommandResult result = stage.kind == "pretrain"   ? train(invocation)
                                   : stage.kind == "classify" ? classify(invocation)
                                                              : finetune(invocation);
      require_done(result.status);
      return result.json;
    }
    invocation.other["model"] = model;
    if (stage.kind == "evaluate") return evaluate(invocation).json;
    if (stage.kind == "encode") {
      invocation.other["out"] = path(pass, stage.name) + ".npy";
      require_done(encode_command(invocation));
    } else if (stage.kind == "draw") {
      draw(stage, pass, invocation);
    } else {
      export_weights(stage, pass, model);
    }
    return Json::object();
  }

  void draw(const RecipeStage& stage, std::int64_t pass, Invocation& invocation) {
    const std::string file = prefix(pass) + stage.name + ".png";
    const std::string out = plan_.out + "/" + file;
    if (stage.what == "weights") {
      invocation.other["out"] = out;
      invocation.other["units"] = std::to_string(stage.units);
      mosaic_command(invocation);
    } else {
      invocation.other["png"] = out;
      invocation.other["samples"] = std::to_string(stage.samples);
      if (stage.round) invocation.other["round"] = "on";
      require_done(reconstruct_command(invocation));
    }
    if (pass == 0) pictures_.push_back({{"title", stage.title.empty() ? stage.name : stage.title}, {"file", file}});
  }

  void export_weights(const RecipeStage& stage, std::int64_t pass, const std::string& model) const {
    const std::string out = path(pass, stage.name);
    if (plan_.force || plan_.resume)
      for (const fs::path& file : exported_files(out)) fs::remove(file);
    save_parameter_arrays(out, load_model(model), stage.bias_row);
  }

  /// What a stage found under a key, one for each pass; nothing if it did not: data without a test set, say.
  std::vector<double> figures(const std::string& stage, const std::string& key) const {
    std::vector<double> values;
    for (const Results& results : results_) {
      const Json& found = results.at(stage);
      const auto value = found.find(key);
      if (value == found.end() || !value->is_number()) {
        std::vector<std::string> known;
        for (const auto& [name, other] : found.items())
          if (other.is_number()) known.push_back(name);
        tell(
            fmt::format("warning: stage {} found no figure named {}; it found {}", stage, key, fmt::join(known, ", ")));
        return {};
      }
      values.push_back(value->get<double>());
    }
    return values;
  }

  Json tables() const {
    Json tables = Json::array();
    for (const RecipeStage& stage : recipe_.stages) {
      if (stage.kind != "compare") continue;
      Json table{{"title", stage.title}, {"columns", Json::array()}, {"rows", Json::array()}};
      for (const RecipeColumn& column : stage.columns) table["columns"].push_back(column.title);
      for (const Variables& variables : stage.rows) {
        Json row = Json::array();
        for (const RecipeColumn& column : stage.columns)
          row.push_back(
              column.stage.empty()
                  ? fill_in(column.value, variables, column.where)
                  : figure_text(figures(fill_in(column.stage, variables, column.where), column.key), column.show));
        table["rows"].push_back(std::move(row));
      }
      if (!stage.note.empty()) table["note"] = stage.note;
      tables.push_back(std::move(table));
    }
    return tables;
  }

  Json bars() const {
    Json bars = Json::array();
    for (const RecipeBar& bar : recipe_.bars) {
      std::vector<double> values = figures(bar.stage, bar.key);
      if (!bar.minus_stage.empty()) {
        const std::vector<double> others = figures(bar.minus_stage, bar.key);
        if (others.empty()) values.clear();
        for (std::size_t i = 0; i < values.size(); ++i) values[i] -= others[i];
      }
      double mean = 0;
      for (double v : values) mean += v / static_cast<double>(values.size());
      Json one{{"title", bar.title}, {"measured", values.empty() ? Json() : Json(mean)}, {"show", bar.show}};
      one["shown"] = figure_text(values, bar.show);
      bool reached = !values.empty();
      if (bar.at_least) {
        one["at_least"] = *bar.at_least;
        reached = reached && mean >= *bar.at_least;
      }
      if (bar.at_most) {
        one["at_most"] = *bar.at_most;
        reached = reached && mean <= *bar.at_most;
      }
      one["reached"] = reached;
      bars.push_back(std::move(one));
    }
    return bars;
  }

  const Recipe& recipe_;
  const RecipePlan& plan_;
  std::vector<Results> results_;
  Json stages_ = Json::array(), pictures_ = Json::array();
  std::string device_;
  bool created_ = false;  // the directory was not there before
};

}  // namespace

Json run_recipe(const Recipe& recipe, const RecipePlan& plan) {
  return RecipeRun(recipe, plan).go();
}

}  // namespace lacuna::cli
