#pragma once

#include <filesystem>

#include "report/image.h"

namespace lacuna::test {

/// Throws std::runtime_error if it is not a whole PNG.
report::Image read_png(const std::filesystem::path& path);

}  // namespace lacuna::test
