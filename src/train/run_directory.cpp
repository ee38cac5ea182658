#include "train/run_directory.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>
#include <tuple>

#include "lacuna/error.h"
#include "report/event_file.h"

namespace lacuna {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kSuffix = ".safetensors";

/// The number between `prefix` and what follows; both are taken off the front of `text`.
std::optional<std::int64_t> take_number(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return std::nullopt;
  text.remove_prefix(prefix.size());
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || value < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

std::optional<CheckpointFile> parse_name(const fs::path& path) {
  const std::string name = path.filename().string();
  std::string_view rest = name;
  CheckpointFile file;
  file.path = path.string();
  const auto epoch = take_number(rest, "epoch-");
  if (!epoch) return std::nullopt;
  file.epoch = *epoch;
  if (rest != kSuffix) {
    const auto step = take_number(rest, "-step-");
    if (!step || rest != kSuffix) return std::nullopt;
    file.step = *step;
  }
  return file;
}

void remove_quietly(const fs::path& path) {
  std::error_code ignored;
  fs::remove(path, ignored);
}

constexpr const char* kFiles[] = {"model.safetensors", "best.safetensors", "config.toml", "metrics.jsonl",
                                  "evaluation.json",   "weights.png",      "input.png",   "reconstruction.png",
                                  "loss.svg",          "units.json",       "report.html", "profile.json"};

/// What an interrupted write of one of a run's own files left behind: NAME.tmp-PID-NUMBER.
bool is_temporary(const fs::path& path) {
  constexpr std::string_view kMark = ".tmp-";
  const std::string name = path.filename().string();
  const std::size_t mark = name.rfind(kMark);
  if (mark == std::string::npos) return false;
  const std::string file = name.substr(0, mark), number = name.substr(mark + kMark.size());
  if (number.empty() || number.find_first_not_of("0123456789-") != std::string::npos) return false;
  return parse_name(path.parent_path() / file).has_value() ||
         std::ranges::any_of(kFiles, [&file](const char* own) { return file == own; });
}

}  // namespace

RunDirectory::RunDirectory(std::string path) : path_(std::move(path)) {
  while (path_.size() > 1 && path_.back() == '/') path_.pop_back();
}

std::string RunDirectory::checkpoint(const StepState& position) const {
  std::string name = fmt::format("epoch-{:04}", position.epoch);
  if (position.position > 0) name += fmt::format("-step-{:08}", position.step);
  return fmt::format("{}/{}{}", checkpoints_directory(), name, kSuffix);
}

bool RunDirectory::exists() const {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(path_, ignored));
}

std::vector<CheckpointFile> RunDirectory::checkpoints() const {
  std::vector<CheckpointFile> files;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(checkpoints_directory(), error))
    if (auto file = parse_name(entry.path())) files.push_back(*file);
  if (error && error != std::errc::no_such_file_or_directory && error != std::errc::not_a_directory)
    throw InputError(fmt::format("cannot list {}: {}", checkpoints_directory(), error.message()));
  std::ranges::sort(files, {}, [](const CheckpointFile& f) { return std::tuple(f.epoch, f.step); });
  return files;
}

void RunDirectory::open() {
  created_ = !exists();
  std::error_code error;
  fs::create_directories(checkpoints_directory(), error);
  if (error) {
    discard_if_empty();
    throw InputError(fmt::format("cannot create the run directory {}: {}", path_, error.message()));
  }
  lock_ = io::DirectoryLock(path_);
  remove_leftovers();
}

void RunDirectory::remove_leftovers() const {
  std::error_code none;
  for (const std::string& directory : {path_, checkpoints_directory()})
    for (const fs::directory_entry& entry : fs::directory_iterator(directory, none))
      if (is_temporary(entry.path())) remove_quietly(entry.path());
}

std::vector<std::string> RunDirectory::results() const {
  std::vector<std::string> paths;
  std::error_code ignored;
  for (const char* name : kFiles)
    if (fs::exists(fs::symlink_status(file(name), ignored))) paths.push_back(file(name));
  for (const CheckpointFile& checkpoint : checkpoints()) paths.push_back(checkpoint.path);
  return paths;
}

void RunDirectory::clear() const {
  for (const std::string& path : results()) remove_quietly(path);
  report::remove_event_files(tensorboard());
}

void RunDirectory::discard_if_empty() const {
  if (!created_) return;
  remove_quietly(checkpoints_directory());
  remove_quietly(path_);
}

void RunDirectory::prune(std::int64_t keep) const {
  if (keep <= 0) return;
  const std::vector<CheckpointFile> files = checkpoints();
  const auto surplus = static_cast<std::int64_t>(files.size()) - keep;
  for (std::int64_t i = 0; i < surplus; ++i) remove_quietly(files[static_cast<std::size_t>(i)].path);
}

}  // namespace lacuna
