#pragma once

#include <string_view>

namespace lacuna::cli {

/// Standard output has been closed by its reader, who wants no more.
struct OutputClosed {};

/// A line of results to standard output, at once. Throws OutputClosed, or Error if the disk is full.
void print_line(std::string_view line);
/// A line for people to standard error; where that cannot be written nothing is said.
void tell(std::string_view line);

}  // namespace lacuna::cli
