#pragma once

#include <string>
#include <string_view>

namespace lacuna::io {

/// `"text"` for an error line: control characters and broken bytes as \xNN, cut after 80 bytes. Names that come from
/// a file may hold anything.
std::string printable(std::string_view text);

}  // namespace lacuna::io
