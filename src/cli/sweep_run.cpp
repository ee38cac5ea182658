#include "cli/sweep_run.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <thread>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/run_job.h"
#include "cli/sweep_check.h"
#include "cli/sweep_progress.h"
#include "core/clock.h"
#include "io/atomic_file.h"
#include "io/directory_lock.h"
#include "lacuna/error.h"
#include "train/pictures.h"

namespace lacuna::cli {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

using core::Clock;
using core::seconds_since;

/// Host threads that feed a GPU; beyond a few they only wait for each other.
constexpr std::size_t kGpuJobs = 8;

/// Cores that this process may use.
int core_count() {
  for (const auto& [name, value] : make_cpu_backend()->describe().properties)
    if (name == "threads") return std::stoi(value);
  return 1;
}

std::size_t jobs_at_once(const SweepPlan& plan, const Backend& backend, const Settings& settings, std::size_t cells) {
  const int cores = core_count(), threads = settings.backend.threads > 0 ? settings.backend.threads : cores;
  const std::size_t fitting =
      backend.describe().kind == "cpu" ? static_cast<std::size_t>(std::max(1, cores / threads)) : kGpuJobs;
  return std::min(cells, plan.jobs > 0 ? static_cast<std::size_t>(plan.jobs) : fitting);
}

/// Of a GPU.
int multiprocessors(const Backend& backend) {
  for (const auto& [name, value] : backend.describe().properties)
    if (name == "multiprocessors") return std::stoi(value);
  return 0;
}

/// What a backend was made from.
std::string machine_of(const Settings& settings) {
  std::string key;
  for (const Setting& setting : all_settings())
    if (std::string_view(setting.group) == "Machine") key.append(setting.show(settings)).append("\n");
  return key;
}

std::string sweep_text(const SweepPlan& plan) {
  std::string text = "# Settings of this sweep; lacuna sweep --config reads them.\n\n";
  Settings settings;
  apply_values(settings, plan.settings);
  for (const Setting& setting : all_settings())
    if (setting.recorded && plan.settings.contains(setting.name))
      text += fmt::format("{} = {}\n", setting.name, toml_value(setting, setting.show(settings)));
  text += "\n[grid]\n";
  for (const GridAxis& axis : plan.axes) {
    std::vector<std::string> values;
    for (const std::string& value : axis.values) values.push_back(toml_value(*axis.setting, value));
    text += fmt::format("{} = [{}]\n", axis.setting->name, fmt::join(values, ", "));
  }
  return text;
}

class Sweep {
 public:
  explicit Sweep(const SweepPlan& plan)
      : plan_(plan),
        cells_(make_cells(plan.axes)),
        first_(first_settings()),
        backend_(open_backend(first_)),
        group_(backend_->make_group()),
        jobs_(check_sweep(plan, cells_, *backend_)),
        at_once_(jobs_at_once(plan, *backend_, first_, cells_.size())),
        results_(plan.out, plan.axes, cells_, metric()) {
    if (backend_->describe().kind == "cpu") require_room_for_jobs(jobs_, at_once_);
  }

  int go() {
    tell_header();
    const StopOnSignal stop;  // from here on there is something to save
    open_directory();
    if (plan_.resume) results_.recall();
    for (std::size_t i = 0; i < cells_.size(); ++i)
      if (!plan_.resume || !results_.take_finished(i, jobs_[i].settings.epochs)) todo_.push_back(i);
    results_.write(about(), false);
    if (todo_.size() < cells_.size())
      tell(fmt::format("resume   {} of {} models are done", cells_.size() - todo_.size(), cells_.size()));
    {
      SweepProgress progress(cells_.size(), cells_.size() - todo_.size());
      train_all(progress, stop);
    }
    return finish(stop);
  }

 private:
  Settings first_settings() const {
    Settings settings;
    apply_values(settings, plan_.settings);
    apply_values(settings, cells_.front().settings);
    return settings;
  }

  std::string metric() const {
    const auto holds_out = [](const SweepJob& job) { return job.settings.validation > 0; };
    const bool all_hold_out = std::ranges::all_of(jobs_, holds_out);
    if (plan_.metric.empty()) return all_hold_out ? "validation_loss" : "reconstruction";
    if (plan_.metric == "validation_loss" && !all_hold_out)
      throw InputError("--metric validation_loss needs samples held out: --validation N");
    return plan_.metric;
  }

  void tell_header() const {
    const Dataset& data = jobs_.front().data->samples.train;
    tell(device_text(first_, *backend_));
    tell(data_text(data));
    std::vector<std::string> axes;
    for (const GridAxis& axis : plan_.axes)
      axes.push_back(fmt::format("{} {}", axis.setting->name, fmt::join(axis.values, " ")));
    tell(fmt::format("sweep    {} models: {}; {} at once", cells_.size(), fmt::join(axes, ", "), at_once_));
    if (const std::string text = why_no_tiles(jobs_.front().data->pictures); !text.empty()) tell("note     " + text);
    for (const std::string& warning : warnings_of(jobs_, cells_)) tell(warning);
  }

  void open_directory() {
    std::error_code error;
    fs::create_directories(plan_.out, error);
    if (error) throw InputError(fmt::format("cannot create {}: {}", plan_.out, error.message()));
    lock_ = io::DirectoryLock(plan_.out);
    for (const char* name : {"/sweep.svg", "/report.html"}) fs::remove(plan_.out + name, error);
    io::write_text_file(plan_.out + "/sweep.toml", sweep_text(plan_));
  }

  void train_all(SweepProgress& progress, const StopOnSignal& stop) {
    std::vector<std::jthread> threads;
    const auto job = [&, this] {
      try {
        work(progress, stop);
      } catch (...) {  // results cannot be written
        next_ = todo_.size();
        const std::lock_guard lock(mutex_);
        error_ = std::current_exception();
      }
    };
    try {
      for (std::size_t i = 0; i < std::min(at_once_, todo_.size()); ++i) threads.emplace_back(job);
    } catch (const std::system_error&) {  // the system has no more: fewer models at once, with the same results
      if (threads.empty()) throw;
    }
    threads.clear();  // waits for them
    if (error_) std::rethrow_exception(error_);
  }

  /// Trains one model after another until none is left to begin.
  void work(SweepProgress& progress, const StopOnSignal& stop) {
    std::unique_ptr<Backend> backend;
    std::string machine;
    for (std::size_t next = next_++; next < todo_.size() && !stop.flag(); next = next_++) {
      const std::size_t cell = todo_[next];
      std::string status = "failed";
      Json found;
      try {
        if (const std::string wanted = machine_of(jobs_[cell].settings); !backend || machine != wanted) {
          backend = open_backend(beside_others(jobs_[cell].settings));
          machine = wanted;
        }
        CellConsole console(progress, cell, cells_[cell].name);
        found = train(cell, *backend, progress, console, stop);
        status = found["status"].get<std::string>();
      } catch (const DivergedRun& error) {
        status = "diverged";
        found = {{"error", error.what()}};
      } catch (const std::bad_alloc&) {
        found = {{"error", "out of memory; train fewer at once: --jobs N"}};
      } catch (const std::exception& error) {
        found = {{"error", error.what()}};
      }
      ended(cell, status, found, progress);
    }
  }

  /// An engine chosen by measuring beside other models would not be the same one each time. A resident model's bits
  /// depend on how many multiprocessors it takes: that is its share of the device where as many models are trained as
  /// can be, even if there are fewer.
  Settings beside_others(Settings settings) const {
    if (backend_->describe().kind != "cuda") return settings;
    Engine& engine = settings.backend.engine;
    if (engine == Engine::automatic) engine = Engine::graph;
    if (settings.backend.products.batched) settings.backend.group = group_;
    const int most = plan_.jobs > 0 ? static_cast<int>(plan_.jobs) : static_cast<int>(kGpuJobs);
    if (engine == Engine::resident) settings.backend.multiprocessors = std::max(1, multiprocessors(*backend_) / most);
    return settings;
  }

  Json train(std::size_t cell, Backend& backend, SweepProgress& progress, Console& console,
             const StopOnSignal& stop) const {
    const SweepJob& of = jobs_[cell];
    Settings settings = of.settings;
    settings.backend.engine = beside_others(settings).backend.engine;  // what it is trained with is what is recorded
    Job job = autoencoder_job(settings, backend, *of.data);
    std::optional<Trainer> trainer(std::in_place, backend, std::move(job.model), job.data.train, job.options);
    for (const std::string& remark : trainer->remarks()) progress.say_once("choice   " + remark);
    return run_in_directory({settings, backend, job, trainer}, console, stop).json;
  }

  void ended(std::size_t cell, const std::string& status, const Json& found, SweepProgress& progress) {
    const std::lock_guard lock(mutex_);
    results_.set(cell, status, found);
    results_.write(about(), false);
    progress.ended(cell, results_.line(cell));
  }

  Json about() const {
    Json json;
    json["device"] = fmt::format("{}: {}", backend_->describe().kind, backend_->describe().name);
    json["threads"] = first_.backend.threads;
    json["jobs"] = at_once_;
    json["seconds"] = seconds_since(start_);
    return json;
  }

  int finish(const StopOnSignal& stop) {
    constexpr std::size_t kMostInReport = 50;
    results_.write(about(), true);
    std::vector<std::string> runs = results_.trained_runs();
    if (runs.size() > kMostInReport) {
      tell(fmt::format("the report is of the best {} models", kMostInReport));
      runs.resize(kMostInReport);
    }
    if (!runs.empty()) write_report(runs, plan_.out + "/report.html");
    print_line(results_.table());
    const bool interrupted = stop.flag() && results_.count("interrupted") + results_.count("waiting") > 0;
    if (interrupted)
      tell(fmt::format("interrupted: {} of {} models are done; go on with: lacuna sweep --resume --out {}",
                       cells_.size() - results_.count("interrupted") - results_.count("waiting"), cells_.size(),
                       plan_.out));
    if (interrupted) return stop.exit_status();
    return results_.count("failed") == 0 && results_.trained() > 0 ? 0 : 1;
  }

  const SweepPlan& plan_;
  const std::vector<SweepCell> cells_;
  const Settings first_;
  const std::unique_ptr<Backend> backend_;   // looks at the models, and encodes for those that learn from codes
  const std::shared_ptr<ModelGroup> group_;  // of all that are trained at once
  const std::vector<SweepJob> jobs_;
  const std::size_t at_once_;
  const Clock::time_point start_ = Clock::now();
  io::DirectoryLock lock_;
  std::vector<std::size_t> todo_;
  std::atomic<std::size_t> next_{0};
  std::mutex mutex_;  // of what follows
  SweepResults results_;
  std::exception_ptr error_;
};

}  // namespace

int run_sweep(const SweepPlan& plan) {
  return Sweep(plan).go();
}

}  // namespace lacuna::cli
