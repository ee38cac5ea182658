#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <utility>

#include "io/printable.h"
#include "lacuna/error.h"
#include "lacuna/safetensors.h"
#include "lacuna/trainer.h"
#include "model/model_file.h"

namespace lacuna {
namespace {

using io::printable;

constexpr const char* kMomentsKey = "state.moments";
constexpr const char* kNumbersKey = "state.optimizer";  // "3,41,0"; absent where there are none

/// The numbers of a state and their metadata keys: the one list that saving and loading go through.
template <class State, class Visit>
void visit_numbers(State& state, const Visit& visit) {
  visit("state.step", state.position.step);
  visit("state.epoch", state.position.epoch);
  visit("state.position", state.position.position);
  visit("state.means.samples", state.epoch_means.samples);
  visit("state.means.reconstruction", state.epoch_means.reconstruction);
  visit("state.means.sparsity", state.epoch_means.sparsity);
  visit("state.means.weight_decay", state.epoch_means.weight_decay);
  visit("state.means.mean_activation", state.epoch_means.mean_activation);
  visit("state.means.correct", state.epoch_means.correct);
}

std::string moment_prefix(std::size_t index) {
  return fmt::format("{}moment{}.", kOptimizerPrefix, index + 1);
}

/// Whole numbers and shortest decimals come back as the same bits.
template <class Number>
Number parse_number(const SafetensorsFile& file, const char* key, std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(static_cast<double>(value)))
    throw InputError(fmt::format("{}: metadata key \"{}\" is {}, not a number", file.path(), key, printable(text)));
  return value;
}

template <class Number>
Number read_number(const SafetensorsFile& file, const char* key) {
  const auto entry = file.metadata().find(key);
  if (entry == file.metadata().end())
    throw InputError(fmt::format("{}: not a checkpoint: its metadata have no key \"{}\" (--init starts from a model)",
                                 file.path(), key));
  return parse_number<Number>(file, key, entry->second);
}

std::vector<std::int64_t> read_optimizer_numbers(const SafetensorsFile& file) {
  std::vector<std::int64_t> numbers;
  const auto entry = file.metadata().find(kNumbersKey);
  if (entry == file.metadata().end()) return numbers;
  for (std::string_view rest = entry->second;;) {
    const std::size_t comma = rest.find(',');
    numbers.push_back(parse_number<std::int64_t>(file, kNumbersKey, rest.substr(0, comma)));
    if (comma == std::string_view::npos) return numbers;
    rest.remove_prefix(comma + 1);
  }
}

void require_not_negative(const SafetensorsFile& file, const char* key, double value) {
  if (value < 0)
    throw InputError(fmt::format("{}: metadata key \"{}\" is {}, it cannot be negative", file.path(), key, value));
}

/// Index of the first NaN or infinity, or -1. An infinite moment would hold its parameter still for good.
std::int64_t first_not_finite(const float* values, std::int64_t count) {
  const float* found = std::find_if(values, values + count, [](float value) { return !std::isfinite(value); });
  return found == values + count ? -1 : found - values;
}

const char* word_for(float not_finite) {
  return std::isnan(not_finite) ? "NaN" : "infinite";
}

[[noreturn]] void refuse_to_write(const std::string& path, const std::string& what) {
  throw Error(fmt::format("{} was not written: {}; training has diverged, try a smaller --lr", path, what));
}

std::vector<float> read_moment(const SafetensorsFile& file, const ParameterLayout& layout, const std::string& prefix) {
  std::vector<float> slab(static_cast<std::size_t>(layout.slab_elements()), 0.0f);
  for (const Parameter& parameter : layout.parameters()) {
    if (!parameter.alias_of.empty()) continue;
    const std::string name = prefix + parameter.name;
    const NamedTensor* tensor = file.find(name);
    if (!tensor) throw InputError(fmt::format("{}: tensor \"{}\" is missing", file.path(), name));
    if (tensor->view.dtype != DType::f32 || !(tensor->view.shape == parameter.shape))
      throw InputError(fmt::format("{}: tensor \"{}\" is {} of shape {}, expected float32 of shape {}", file.path(),
                                   name, to_string(tensor->view.dtype), to_string(tensor->view.shape),
                                   to_string(parameter.shape)));
    const auto* values = static_cast<const float*>(tensor->view.data);
    if (const std::int64_t index = first_not_finite(values, parameter.elements()); index >= 0)
      throw InputError(fmt::format("{}: tensor \"{}\" of shape {}: element {} is {}", file.path(), name,
                                   to_string(parameter.shape), index, word_for(values[index])));
    std::copy_n(values, parameter.elements(), slab.data() + parameter.offset);
  }
  return slab;
}

/// Moments that would be dropped silently mean that the count was lied about.
void require_known_tensors(const SafetensorsFile& file, std::size_t parameters, std::int64_t moments) {
  const auto optimizer = std::ranges::count_if(
      file.tensors(), [](const NamedTensor& tensor) { return tensor.name.starts_with(kOptimizerPrefix); });
  const auto skipped = std::ranges::count_if(
      file.skipped(), [](const auto& tensor) { return tensor.first.starts_with(kOptimizerPrefix); });
  const auto present = static_cast<std::int64_t>(file.tensors().size());
  if (moments > present || optimizer + skipped != static_cast<std::int64_t>(parameters) * moments)
    throw InputError(fmt::format("{}: {} optimizer tensors, but {} moments of {} parameters by metadata key \"{}\"",
                                 file.path(), optimizer + skipped, moments, parameters, kMomentsKey));
}

}  // namespace

void save_checkpoint(const std::string& path, const TrainingState& state) {
  const Model& model = state.model;
  require_finite_parameters(model, path);
  ModelTensors model_part = model_tensors(model);
  std::vector<NamedTensor>& tensors = model_part.tensors;
  for (std::size_t i = 0; i < state.moments.size(); ++i) {
    LACUNA_EXPECTS(state.moments[i].size() == model.parameters.size(), "a moment is as large as the parameters");
    for (NamedTensor& tensor : parameter_tensors(model.layout, state.moments[i], moment_prefix(i))) {
      const auto* values = static_cast<const float*>(tensor.view.data);
      if (const std::int64_t index = first_not_finite(values, tensor.view.shape.elements()); index >= 0)
        refuse_to_write(path, fmt::format("element {} of {} is {}", index, tensor.name, word_for(values[index])));
      tensors.push_back(std::move(tensor));
    }
  }
  std::map<std::string, std::string> metadata = model_metadata(model);
  metadata[kMomentsKey] = std::to_string(state.moments.size());
  if (!state.optimizer_numbers.empty())
    metadata[kNumbersKey] = fmt::format("{}", fmt::join(state.optimizer_numbers, ","));
  visit_numbers(state, [&](const char* key, auto number) {
    if (!std::isfinite(static_cast<double>(number))) refuse_to_write(path, fmt::format("{} is {}", key, number));
    metadata[key] = fmt::format("{}", number);
  });
  write_safetensors(path, tensors, metadata);
}

TrainingState load_checkpoint(const std::string& path) {
  const SafetensorsFile file = SafetensorsFile::open(path);
  TrainingState state;
  const auto moments = read_number<std::int64_t>(file, kMomentsKey);
  require_not_negative(file, kMomentsKey, static_cast<double>(moments));
  visit_numbers(state, [&]<class Number>(const char* key, Number& number) { number = read_number<Number>(file, key); });
  require_not_negative(file, "state.step", static_cast<double>(state.position.step));
  require_not_negative(file, "state.epoch", static_cast<double>(state.position.epoch));
  require_not_negative(file, "state.position", static_cast<double>(state.position.position));
  require_not_negative(file, "state.means.samples", state.epoch_means.samples);

  state.model = model_from(file);
  const auto owners = std::ranges::count_if(state.model.layout.parameters(),
                                            [](const Parameter& parameter) { return parameter.alias_of.empty(); });
  require_known_tensors(file, static_cast<std::size_t>(owners), moments);
  for (std::size_t i = 0; i < static_cast<std::size_t>(moments); ++i)
    state.moments.push_back(read_moment(file, state.model.layout, moment_prefix(i)));
  state.optimizer_numbers = read_optimizer_numbers(file);
  return state;
}

}  // namespace lacuna
