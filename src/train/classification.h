#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "lacuna/trainer.h"

namespace lacuna {

/// How a classifier did on labelled data.
struct Classification {
  std::string data;
  std::int64_t samples = 0, correct = 0;
  double cross_entropy = 0;                          ///< mean over samples
  std::vector<std::vector<std::int64_t>> confusion;  ///< [true class][predicted class]
  std::vector<std::string> class_names;
  double accuracy() const { return static_cast<double>(correct) / static_cast<double>(samples); }
};

/// Throws InputError if the data have no labels or other ones than the model's classes.
Classification classify(Backend& backend, const Model& model, const Dataset& data);

/// evaluation.json: the test set's figures, and under "rest" those of the data left over, if any. One JSON object.
std::string evaluation_json(const Classification& test, const std::optional<Classification>& rest);

/// The codes of all samples, with their labels.
Dataset encode_dataset(Backend& backend, const Model& model, const Dataset& data);

/// The samples for which `teacher`'s most probable class has at least this probability, with that class for a label:
/// D.-H. Lee, "Pseudo-label", ICML workshop 2013. Guesses of classes from `known_classes` on are left out: the teacher
/// may know more of them than the learner. Labels that the data may have are not looked at. Nothing if there is none.
std::optional<Dataset> pseudo_labelled(Backend& backend, const Model& teacher, const Dataset& data, double confidence,
                                       std::int64_t known_classes = std::numeric_limits<std::int64_t>::max());

}  // namespace lacuna
