#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/directory_lock.h"
#include "lacuna/step_plan.h"

namespace lacuna {

/// `epoch-0003.safetensors` after three epochs, `epoch-0003-step-00000150.safetensors` at step 150, within the fourth.
struct CheckpointFile {
  std::string path;
  std::int64_t epoch = 0;  ///< epochs completed
  std::int64_t step = 0;   ///< 0: exactly at the end of the epoch
};

/// The files of one run, and nobody else's: what it does not know it leaves alone.
class RunDirectory {
 public:
  explicit RunDirectory(std::string path);
  ~RunDirectory() = default;
  RunDirectory(const RunDirectory&) = delete;
  RunDirectory& operator=(const RunDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  std::string model() const { return file("model.safetensors"); }
  std::string best() const { return file("best.safetensors"); }
  std::string evaluation() const { return file("evaluation.json"); }
  std::string config() const { return file("config.toml"); }
  std::string metrics() const { return file("metrics.jsonl"); }
  std::string profile() const { return file("profile.json"); }
  std::string tensorboard() const { return file("tensorboard"); }
  std::string checkpoint(const StepState& position) const;

  bool exists() const;
  /// Oldest first. What has another name is not a checkpoint.
  std::vector<CheckpointFile> checkpoints() const;
  /// Paths of the files there that clear() removes, but for those in tensorboard().
  std::vector<std::string> results() const;

  /// Creates what is missing and holds the directory until this object ends, so that two runs cannot write into it.
  /// Throws InputError if it cannot be written to, or another run holds it.
  void open();
  /// Removes the results of a run. Call after open().
  void clear() const;
  /// Removes what open() created, if nothing was put there.
  void discard_if_empty() const;
  /// Removes all checkpoints but the newest `keep`; 0 keeps all.
  void prune(std::int64_t keep) const;

 private:
  std::string checkpoints_directory() const { return file("checkpoints"); }
  void remove_leftovers() const;

  std::string path_;
  io::DirectoryLock lock_;
  bool created_ = false;
};

}  // namespace lacuna
