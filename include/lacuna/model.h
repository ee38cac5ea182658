#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lacuna/network.h"

namespace lacuna {

/// How weights begin; biases begin at zero. fan_in and fan_out are a weight's [out, in] extents.
///   xavier_uniform  U(-a, a), a = sqrt(6 / (fan_in + fan_out))          Glorot & Bengio 2010
///   ufldl           U(-a, a), a = sqrt(6 / (fan_in + fan_out + 1))      Stanford UFLDL exercises
///   normal          N(0, sigma^2)
///   he              N(0, 2 / fan_in)                                    He et al. 2015
enum class InitScheme : std::uint8_t { xavier_uniform, ufldl, normal, he };

struct Init {
  InitScheme scheme = InitScheme::xavier_uniform;
  double sigma = 0.01;  ///< normal only
};

const char* to_string(InitScheme scheme);
/// "xavier-uniform", "ufldl", "normal", "normal:SIGMA", "he". Throws InputError.
Init parse_init(std::string_view word);

/// A network with its parameters in host memory: one slab laid out by `layout`.
struct Model {
  Network network;
  ParameterLayout layout;
  std::vector<float> parameters;
  Shape sample_shape;                           ///< e.g. [28, 28], for pictures; empty: unknown
  std::map<std::string, std::string> metadata;  ///< settings kept in the file's header

  Model() = default;
  explicit Model(const Network& n);
  const float* data(std::string_view parameter) const;
  float* data(std::string_view parameter);
};

/// Weights drawn from Philox keyed by the seed and the parameter's index: the same on every backend.
void initialize(Model& model, const Init& init, std::uint64_t seed);

/// Writes encoder.i.weight [out, in], encoder.i.bias, decoder.i.* as float32 and the metadata, atomically.
void save_model(const std::string& path, const Model& model);

/// Reads a model file, or `model.safetensors` of a run directory. The network is rebuilt from shapes and metadata
/// (activations; sigmoid where the file does not say). Throws InputError naming tensor and shapes.
Model load_model(const std::string& file_or_run_directory);

/// Copies the parameters of a file, a run directory or a directory of arrays (lacuna/parameter_arrays.h) into `model`,
/// whose shapes they must match (--init): throws InputError with both shapes otherwise.
void load_parameters(Model& model, const std::string& path);

}  // namespace lacuna
