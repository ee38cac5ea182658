#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/output.h"
#include "core/json_text.h"
#include "lacuna/backend.h"

namespace lacuna::cli {

namespace {

std::string as_json(const DeviceList& list) {
  nlohmann::ordered_json json;
  json["devices"] = nlohmann::ordered_json::array();
  for (const DeviceDescription& device : list.devices) {
    nlohmann::ordered_json item;
    item["kind"] = device.kind;
    item["name"] = device.name;
    for (const auto& [name, value] : device.properties) item[name] = value;
    json["devices"].push_back(item);
  }
  json["missing"] = list.missing;
  return core::json_text(json);
}

std::string as_text(const DeviceList& list) {
  std::string text;
  for (const DeviceDescription& device : list.devices) {
    text += fmt::format("{:<6}{}\n", device.kind, device.name);
    for (const auto& [name, value] : device.properties) text += fmt::format("      {}: {}\n", name, value);
  }
  for (const std::string& line : list.missing) text += line + "\n";
  text.pop_back();
  return text;
}

}  // namespace

int devices_command(const Invocation& invocation) {
  const DeviceList list = list_devices();
  print_line(invocation.has("json") ? as_json(list) : as_text(list));
  return 0;
}

}  // namespace lacuna::cli
