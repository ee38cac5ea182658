#include "io/sync.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace lacuna::io {

int sync_directory(const std::string& path) {
  const int directory = ::open(path.empty() ? "." : path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return 0;
  const bool synced = ::fsync(directory) == 0 || errno == EINVAL || errno == ENOTSUP;
  const int reason = synced ? 0 : errno;
  ::close(directory);
  return reason;
}

}  // namespace lacuna::io
