#include "core/json_text.h"

#include <algorithm>

namespace lacuna::core {

namespace {

using Json = nlohmann::ordered_json;

std::string on_one_line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void write(const Json& json, std::size_t indent, std::string& text) {
  if (!json.is_structured() || json.empty()) {
    text += on_one_line(json);
    return;
  }
  const bool numbers = json.is_array() && std::ranges::all_of(json, [](const Json& item) { return item.is_number(); });
  const auto begin_line = [&](std::size_t spaces) {
    if (!numbers) text.append("\n").append(spaces, ' ');
  };
  const char* separator = "";
  text += json.is_object() ? '{' : '[';
  for (const auto& item : json.items()) {
    text += separator;
    begin_line(indent + 2);
    if (json.is_object()) text.append(on_one_line(item.key())).append(": ");
    write(item.value(), indent + 2, text);
    separator = numbers ? ", " : ",";
  }
  begin_line(indent);
  text += json.is_object() ? '}' : ']';
}

}  // namespace

std::string json_text(const Json& json) {
  std::string text;
  write(json, 0, text);
  return text;
}

}  // namespace lacuna::core
