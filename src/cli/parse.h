#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lacuna/data.h"

namespace lacuna::cli {

/// Whole words only: "12abc", "", "1e400" and values outside [lowest, highest] throw InputError saying so.
std::int64_t parse_integer(std::string_view text, std::int64_t lowest, std::int64_t highest = INT64_MAX);
/// Finite numbers only.
double parse_number(std::string_view text);
/// "200" or "200,100".
std::vector<std::int64_t> parse_integers(std::string_view text, std::int64_t lowest);
/// "640x480": width and height; "none": 0 x 0.
ImageSize parse_size(std::string_view text);
/// "100000": samples; "128MiB", "2GiB": bytes.
WindowSize parse_window(std::string_view text);
std::string to_text(const WindowSize& window);
/// "on" or "off", and "true" or "false".
bool parse_switch(std::string_view text);

}  // namespace lacuna::cli
