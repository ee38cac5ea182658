#include "cli/output.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "lacuna/error.h"

namespace lacuna::cli {

void print_line(std::string_view line) {
  errno = 0;
  const bool written = std::fwrite(line.data(), 1, line.size(), stdout) == line.size() &&
                       std::fputc('\n', stdout) != EOF && std::fflush(stdout) == 0;
  if (written) return;
  if (errno == EPIPE) throw OutputClosed{};
  throw Error(fmt::format("cannot write to standard output: {}", std::strerror(errno)));
}

void tell(std::string_view line) {
  const std::string whole = std::string(line) + '\n';  // at once: several threads may have something to say
  std::fwrite(whole.data(), 1, whole.size(), stderr);
}

}  // namespace lacuna::cli
