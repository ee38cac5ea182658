#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lacuna/model.h"
#include "lacuna/safetensors.h"

namespace lacuna {

/// What a checkpoint holds beside the model: names of tensors and keys of metadata that begin so. A model is read
/// without them.
constexpr std::string_view kOptimizerPrefix = "optimizer.";
constexpr std::string_view kStatePrefix = "state.";

/// A slab's parameters as named tensors, `prefix` before each name; tied weights once. Views into `slab`.
std::vector<NamedTensor> parameter_tensors(const ParameterLayout& layout, const std::vector<float>& slab,
                                           const std::string& prefix = {});

/// All tensors of a model's file, tied weights twice. Views into the model and into `turned`.
struct ModelTensors {
  std::vector<NamedTensor> tensors;
  std::deque<std::vector<float>> turned;
};
ModelTensors model_tensors(const Model& model);

/// The model's own metadata and what is needed to rebuild its network.
std::map<std::string, std::string> model_metadata(const Model& model);

/// The inverse of the two above. Throws InputError naming file, tensor and shapes.
Model model_from(const SafetensorsFile& file);

/// Throws Error naming `path` and the parameter if a parameter is NaN or infinite: a file that could not be loaded
/// again is not written over one that can.
void require_finite_parameters(const Model& model, const std::string& path);

}  // namespace lacuna
