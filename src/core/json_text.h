#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace lacuna::core {

/// JSON for programs that people read too: indented by two spaces, an array of numbers on one line. What is not UTF-8
/// in a string is replaced.
std::string json_text(const nlohmann::ordered_json& json);

}  // namespace lacuna::core
