#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/resolve.h"
#include "core/json_text.h"
#include "core/words.h"
#include "data/fetch.h"
#include "data/info.h"
#include "io/printable.h"
#include "lacuna/error.h"

namespace lacuna::cli {

namespace {

std::string as_json(const data::DataInfo& info) {
  nlohmann::ordered_json json;
  json["name"] = info.name;
  json["rows"] = info.rows;
  json["features"] = info.features;
  json["sample_shape"] = std::vector<std::int64_t>(info.sample_shape.begin(), info.sample_shape.end());
  json["dtype"] = to_string(info.dtype);
  json["stored_dtype"] = to_string(info.stored_dtype);
  json["bytes"] = info.bytes;
  json["minimum"] = info.values.minimum;
  json["maximum"] = info.values.maximum;
  json["mean"] = info.values.mean;
  json["zero_fraction"] = info.zero_fraction;
  json["finite"] = info.values.first_nonfinite < 0;
  json["within_unit_interval"] = info.values.first_outside_unit < 0;
  json["label_counts"] = nlohmann::ordered_json::object();
  for (const auto& [label, count] : info.label_counts) json["label_counts"][std::to_string(label)] = count;
  json["class_names"] = info.class_names;
  return core::json_text(json);
}

std::string as_text(const data::DataInfo& info) {
  std::string text =
      fmt::format("name      {}\nsamples   {} of {} = {} values, {}, {:.1f} MiB\n", info.name, info.rows,
                  to_string(info.sample_shape), info.features, data::type_text(info.dtype, info.stored_dtype),
                  static_cast<double>(info.bytes) / 1048576.0);
  text += fmt::format("values    {:g} to {:g}, mean {:.4g}, {:.1f}% zero", info.values.minimum, info.values.maximum,
                      info.values.mean, 100.0 * info.zero_fraction);
  if (info.values.first_nonfinite >= 0) text += "; some are NaN or infinite";
  if (info.values.first_outside_unit >= 0) text += "; some lie outside [0, 1]";
  if (info.label_counts.empty()) return text + "\nlabels    none";
  text += "\nlabels    ";
  for (const auto& [label, count] : info.label_counts) {
    text += std::to_string(label);
    if (!info.class_names.empty()) text += fmt::format(" {}", info.class_names[static_cast<std::size_t>(label)]);
    text += fmt::format(": {}  ", count);
  }
  text.resize(text.size() - 2);
  return text;
}

/// Says once for each tenth of a file how far it has come.
class FetchProgress {
 public:
  bool operator()(std::string_view file, std::uint64_t received, std::uint64_t total) {
    if (total == 0) return true;
    const std::uint64_t tenth = 10 * received / total;
    if (file == file_ && tenth == tenth_) return true;
    file_ = file;
    tenth_ = tenth;
    tell(fmt::format("{}: {}%", file, 10 * tenth));
    return true;
  }

 private:
  std::string file_;
  std::uint64_t tenth_ = 0;
};

}  // namespace

int data_info_command(const Invocation& invocation) {
  const std::string source = invocation.require("source", "data info SOURCE [--json]");
  Settings settings;
  apply_values(settings, given_values(invocation, kDataInfo));
  const Dataset samples = open_dataset(source, settings.data_options);
  for (const std::string& remark : samples.remarks()) tell("remark   " + remark);
  const data::DataInfo info = data::describe(samples);
  print_line(invocation.has("json") ? as_json(info) : as_text(info));
  return 0;
}

int data_fetch_command(const Invocation& invocation) {
  const std::string name = invocation.require("name", "data fetch mnist [--to DIR]");
  constexpr std::string_view kKnown[] = {"mnist"};
  if (name != kKnown[0])
    throw InputError(
        fmt::format("unknown data set {}{}; known: mnist", io::printable(name), words::did_you_mean(name, kKnown)));
  data::FetchOptions options;
  options.progress = FetchProgress{};
  options.note = [](const std::string& line) { tell(line); };
  const std::string directory = invocation.has("to") ? invocation.get("to") : data::mnist_fetch_directory();
  tell(fmt::format("mnist goes to {}", directory));
  print_line(data::fetch_mnist(directory, options));
  return 0;
}

}  // namespace lacuna::cli
