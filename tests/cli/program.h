#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

namespace lacuna::test {

using Arguments = std::vector<std::string>;

struct ProgramResult {
  int status = -1;  ///< exit status; 1000 + signal if it was killed
  std::string out, err;
};

struct ProgramOptions {
  std::int64_t largest_file = 0;             ///< RLIMIT_FSIZE in bytes; 0: none
  bool terminal = false;                     ///< standard error is a terminal
  bool close_stdout_reader = false;          ///< nobody reads standard output
  std::function<void(pid_t)> while_running;  ///< called once it has started
  std::vector<std::string> environment;      ///< NAME=VALUE, beside what every run is given
};

/// Runs the lacuna program in `directory`, with an empty home and no LACUNA_DATA.
ProgramResult run_program(const std::filesystem::path& directory, const Arguments& arguments,
                          const ProgramOptions& options = {});

/// A directory that goes when the object does.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

std::string read_text(const std::filesystem::path& path);
void write_text(const std::filesystem::path& path, const std::string& text);

/// Paths of all files below, relative, sorted.
std::vector<std::string> files_below(const std::filesystem::path& directory);

}  // namespace lacuna::test
