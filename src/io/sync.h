#pragma once

#include <string>

namespace lacuna::io {

/// Makes what was created in or renamed into a directory last ("": the current one). Returns 0, or the error number. A
/// directory that cannot be opened, or a file system that has nothing to sync, is no error.
int sync_directory(const std::string& path);

}  // namespace lacuna::io
