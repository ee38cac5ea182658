#include "train/classification.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/json_text.h"
#include "lacuna/error.h"

namespace lacuna {

namespace {

nlohmann::ordered_json to_json(const Classification& c) {
  nlohmann::ordered_json json;
  json["data"] = c.data;
  json["samples"] = c.samples;
  json["accuracy"] = c.accuracy();
  json["error"] = 1.0 - c.accuracy();
  json["cross_entropy"] = c.cross_entropy;
  json["classes"] = nlohmann::ordered_json::array();
  json["per_class"] = nlohmann::ordered_json::array();
  for (std::size_t label = 0; label < c.confusion.size(); ++label) {
    std::int64_t samples = 0;
    for (std::int64_t count : c.confusion[label]) samples += count;
    const std::int64_t correct = c.confusion[label][label];
    json["classes"].push_back(c.class_names[label]);
    nlohmann::ordered_json one{{"class", c.class_names[label]}, {"samples", samples}, {"correct", correct}};
    one["accuracy"] = samples > 0 ? nlohmann::ordered_json(static_cast<double>(correct) / static_cast<double>(samples))
                                  : nlohmann::ordered_json();
    json["per_class"].push_back(std::move(one));
  }
  json["confusion"] = c.confusion;
  return json;
}

}  // namespace

Classification classify(Backend& backend, const Model& model, const Dataset& data) {
  const std::int64_t classes = model.network.classes();
  LACUNA_EXPECTS(classes > 0, "the model is a classifier");
  require_labels(data, classes);
  Classification result;
  result.data = data.name();
  result.samples = data.rows();
  result.confusion.assign(static_cast<std::size_t>(classes),
                          std::vector<std::int64_t>(static_cast<std::size_t>(classes), 0));
  for (std::int64_t label = 0; label < classes; ++label) {
    const auto at = static_cast<std::size_t>(label);
    result.class_names.push_back(at < data.class_names().size() ? data.class_names()[at] : std::to_string(label));
  }
  std::size_t sample = 0;
  Evaluator(backend, model, data).classify([&](const float* probabilities, std::int64_t rows) {
    for (std::int64_t i = 0; i < rows; ++i, ++sample) {
      const float* row = probabilities + i * classes;
      const auto truth = static_cast<std::size_t>(data.labels()[sample]);
      const auto guess = static_cast<std::size_t>(std::max_element(row, row + classes) - row);
      ++result.confusion[truth][guess];
      result.correct += truth == guess ? 1 : 0;
      constexpr float kSmallest = 1e-30f;  // a probability that rounded to 0 still costs something finite
      result.cross_entropy -= std::log(static_cast<double>(std::max(row[truth], kSmallest)));
    }
  });
  result.cross_entropy /= static_cast<double>(result.samples);
  return result;
}

std::string evaluation_json(const Classification& test, const std::optional<Classification>& rest) {
  nlohmann::ordered_json json = to_json(test);
  if (rest) json["rest"] = to_json(*rest);
  return core::json_text(json) + "\n";
}

Dataset encode_dataset(Backend& backend, const Model& model, const Dataset& data) {
  const std::int64_t units = model.network.code_units();
  const auto codes = std::make_shared<std::vector<float>>(static_cast<std::size_t>(data.rows() * units));
  auto next = codes->begin();
  Evaluator(backend, model, data).encode([&](const float* values, std::int64_t rows) {
    next = std::copy_n(values, rows * units, next);
  });
  const Dataset encoded("codes of " + data.name(), data.rows(), {units}, DType::f32, codes->data(), codes,
                        std::vector<std::int32_t>(data.labels().begin(), data.labels().end()));
  return encoded.with_notes({.class_names = data.class_names(), .remarks = data.remarks()});
}

std::optional<Dataset> pseudo_labelled(Backend& backend, const Model& teacher, const Dataset& data, double confidence,
                                       std::int64_t known_classes) {
  const std::int64_t classes = teacher.network.classes();
  LACUNA_EXPECTS(classes > 0, "the teacher is a classifier");
  std::vector<std::int64_t> rows;
  std::vector<std::int32_t> labels;
  std::int64_t sample = 0;
  Evaluator(backend, teacher, data).classify([&](const float* probabilities, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i, ++sample) {
      const float* row = probabilities + i * classes;
      const float* best = std::max_element(row, row + classes);
      const bool sure = static_cast<double>(*best) >= confidence;  // NaN is not
      if (!sure || best - row >= known_classes) continue;
      rows.push_back(sample);
      labels.push_back(static_cast<std::int32_t>(best - row));
    }
  });
  if (rows.empty()) return std::nullopt;
  return data.select(rows).with_labels(std::move(labels));
}

}  // namespace lacuna
