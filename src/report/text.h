#pragma once

#include <string>
#include <string_view>

namespace lacuna::report {

/// Text for HTML and XML, in elements and in double-quoted attributes. Control characters, which XML cannot hold,
/// become the replacement character.
std::string escaped(std::string_view text);

/// Four significant digits, thousands grouped: "0.09874", "7.213", "60,000".
std::string figure(double value);
/// A share as "97.63%".
std::string percent(double share);
/// "0.8 s", "42 s", "3 min 20 s", "1 h 5 min".
std::string duration(double seconds);
/// "weight_decay" -> "weight decay", and "Weight decay".
std::string words_of(std::string_view key);
std::string title_of(std::string_view key);

std::string base64(std::string_view bytes);

}  // namespace lacuna::report
