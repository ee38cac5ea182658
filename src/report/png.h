#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "report/image.h"

namespace lacuna::report {

/// Writes an 8-bit grey or RGB PNG, atomically. Throws Error (disk full, unwritable) and leaves nothing partial.
void write_png(const std::string& path, const Image& image);

struct PngSize {
  std::int64_t width = 0, height = 0;
};
/// Nothing if the bytes are no PNG, end too early, or would need more memory than a picture for people does.
std::optional<PngSize> png_size(std::string_view bytes);

}  // namespace lacuna::report
