#pragma once

#include <string>

#include "report/image.h"

namespace lacuna::report {

/// Writes an 8-bit grey or RGB PNG, atomically. Throws Error (disk full, unwritable) and leaves nothing partial.
void write_png(const std::string& path, const Image& image);

}  // namespace lacuna::report
