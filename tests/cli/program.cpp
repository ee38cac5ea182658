#include "cli/program.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace lacuna::test {

namespace fs = std::filesystem;

/// Builds instrumented for coverage write counters at exit, and complain where a test limits the size of files.
static void drop_profiler_lines(std::string& text) {
  constexpr const char* kMark = "libgcov profiling error:";
  for (std::size_t at = text.find(kMark); at != std::string::npos; at = text.find(kMark)) {
    const std::size_t end = text.find('\n', at);
    text.erase(at, end == std::string::npos ? end : end - at + 1);
  }
}

namespace {

[[noreturn]] void give_up(const char* what) {
  throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

/// What the parent reads and the child writes.
struct Channel {
  int reader = -1, writer = -1;
};

Channel make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) give_up("pipe");
  return {ends[0], ends[1]};
}

Channel make_terminal() {
  const int controller = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (controller < 0 || ::grantpt(controller) != 0 || ::unlockpt(controller) != 0) give_up("pseudo-terminal");
  const int terminal = ::open(::ptsname(controller), O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (terminal < 0) give_up("pseudo-terminal");
  return {controller, terminal};
}

/// Runs between fork and exec, so it only makes system calls.
[[noreturn]] void become_program(const char* directory, char* const* arguments, char* const* environment, int out,
                                 int err, std::int64_t largest_file) {
  if (largest_file > 0) {
    const rlimit limit{static_cast<rlim_t>(largest_file), static_cast<rlim_t>(largest_file)};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  if (::chdir(directory) == 0) ::execve(LACUNA_PROGRAM, arguments, environment);
  ::_exit(127);
}

std::vector<std::string> program_environment(const fs::path& home) {
  std::vector<std::string> environment{"HOME=" + home.string(), "XDG_CACHE_HOME=" + (home / "cache").string(),
                                       "TERM=xterm", "OMP_WAIT_POLICY=passive"};
  for (const char* name : {"PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "LD_LIBRARY_PATH"})
    if (const char* value = std::getenv(name)) environment.push_back(std::string(name) + "=" + value);
  return environment;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (std::string& s : strings) result.push_back(s.data());
  result.push_back(nullptr);
  return result;
}

/// Reads both until their writers are gone. A terminal without writers answers EIO.
void drain(int out, int err, ProgramResult& result) {
  std::array<pollfd, 2> ends{{{out, POLLIN, 0}, {err, POLLIN, 0}}};
  std::array<std::string*, 2> texts{&result.out, &result.err};
  while (ends[0].fd >= 0 || ends[1].fd >= 0) {
    if (::poll(ends.data(), ends.size(), -1) < 0 && errno != EINTR) give_up("poll");
    for (std::size_t i = 0; i < ends.size(); ++i) {
      if (ends[i].fd < 0 || ends[i].revents == 0) continue;
      std::array<char, 4096> buffer{};
      const ssize_t count = ::read(ends[i].fd, buffer.data(), buffer.size());
      if (count > 0) {
        texts[i]->append(buffer.data(), static_cast<std::size_t>(count));
      } else {
        ends[i].fd = -1;
      }
    }
  }
}

}  // namespace

ProgramResult run_program(const fs::path& directory, const Arguments& arguments, const ProgramOptions& options) {
  std::vector<std::string> words{"lacuna"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> environment = program_environment(directory);
  environment.insert(environment.end(), options.environment.begin(), options.environment.end());
  const std::vector<char*> argv = pointers(words), envp = pointers(environment);
  Channel out = make_pipe();
  const Channel err = options.terminal ? make_terminal() : make_pipe();

  const pid_t child = ::fork();
  if (child < 0) give_up("fork");
  if (child == 0)
    become_program(directory.c_str(), argv.data(), envp.data(), out.writer, err.writer, options.largest_file);
  ::close(out.writer);
  ::close(err.writer);
  if (options.close_stdout_reader) {
    ::close(out.reader);
    out.reader = -1;
  }

  ProgramResult result;
  if (options.while_running) options.while_running(child);
  drain(out.reader, err.reader, result);
  ::close(out.reader);
  ::close(err.reader);
  int status = 0;
  if (::waitpid(child, &status, 0) != child) give_up("waitpid");
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  drop_profiler_lines(result.err);
  return result;
}

TemporaryDirectory::TemporaryDirectory() {
  std::string name = (fs::temp_directory_path() / "lacuna-cli-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) give_up("mkdtemp");
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void write_text(const fs::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

std::vector<std::string> files_below(const fs::path& directory) {
  std::vector<std::string> files;
  // Without looking at the files: a program that is running may remove them meanwhile.
  std::error_code gone;
  for (const auto& entry : fs::recursive_directory_iterator(directory))
    if (!entry.is_directory(gone)) files.push_back(entry.path().lexically_relative(directory).string());
  std::ranges::sort(files);
  return files;
}

}  // namespace lacuna::test
