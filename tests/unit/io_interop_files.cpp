// Writes into a directory what python_interop.py reads: a model, a checkpoint, samples, and the model's code and
// reconstruction of them, computed here in double.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "lacuna/npy.h"
#include "lacuna/trainer.h"

namespace lacuna {
namespace {

constexpr std::int64_t kSamples = 5;
constexpr std::int64_t kFeatures = 12;

/// Some fixed values in (-0.5, 0.5), from a linear congruential generator.
void fill(float* values, std::int64_t count) {
  static std::uint32_t state = 1;
  for (std::int64_t i = 0; i < count; ++i) {
    state = state * 1664525U + 1013904223U;
    values[i] = static_cast<float>(state >> 8) / 16777216.0F - 0.5F;
  }
}

double activate(Activation activation, double value) {
  switch (activation) {
    case Activation::identity:
      return value;
    case Activation::sigmoid:
      return 1.0 / (1.0 + std::exp(-value));
    case Activation::relu:
      return value > 0 ? value : 0;
  }
  return 0;
}

/// [kSamples, inputs] to [kSamples, outputs].
std::vector<double> forward(const Model& model, const std::string& part, const std::vector<Layer>& layers,
                            std::vector<double> input) {
  for (std::size_t index = 0; index < layers.size(); ++index) {
    const Layer& layer = layers[index];
    const std::string name = part + "." + std::to_string(index);
    const float* weight = model.data(name + ".weight");
    const float* bias = model.data(name + ".bias");
    std::vector<double> output;
    for (std::int64_t sample = 0; sample < kSamples; ++sample)
      for (std::int64_t o = 0; o < layer.outputs; ++o) {
        double sum = bias[o];
        for (std::int64_t i = 0; i < layer.inputs; ++i)
          sum += input[static_cast<std::size_t>(sample * layer.inputs + i)] * weight[o * layer.inputs + i];
        output.push_back(activate(layer.activation, sum));
      }
    input = std::move(output);
  }
  return input;
}

void write_files(const std::string& directory) {
  Network network = Network::autoencoder(kFeatures, {7, 3}, Activation::relu, Activation::sigmoid);
  network.encoder[1].activation = Activation::sigmoid;
  TrainingState state;
  state.model = Model(network);
  state.model.sample_shape = {3, 4};
  state.model.metadata = {{"seed", "7"}, {"note", "λ = 0.001"}};
  state.moments.assign(2, std::vector<float>(state.model.parameters.size(), 0.0F));
  for (const Parameter& parameter : state.model.layout.parameters()) {
    fill(state.model.data(parameter.name), parameter.elements());
    for (auto& moment : state.moments) fill(moment.data() + parameter.offset, parameter.elements());
  }
  state.position = {12, 3, 40};
  state.epoch_means.samples = 40;
  state.epoch_means.reconstruction = 0.1;
  save_model(directory + "/model.safetensors", state.model);
  save_checkpoint(directory + "/checkpoint.safetensors", state);

  std::vector<float> samples(kSamples * kFeatures);
  fill(samples.data(), kSamples * kFeatures);
  write_npy(directory + "/samples.npy", {samples.data(), DType::f32, {kSamples, kFeatures}});
  const auto code = forward(state.model, "encoder", network.encoder, {samples.begin(), samples.end()});
  const auto reconstruction = forward(state.model, "decoder", network.decoder, code);
  write_npy(directory + "/code.npy", {code.data(), DType::f64, {kSamples, network.code_units()}});
  write_npy(directory + "/reconstruction.npy", {reconstruction.data(), DType::f64, {kSamples, kFeatures}});
  write_npy(directory + "/moment2.npy",
            {state.moments[1].data() + state.model.layout["decoder.1.weight"].offset, DType::f32, {kFeatures, 7}});

  NpyWriter writer(directory + "/streamed.npy", kSamples, kFeatures);
  for (std::int64_t row = 0; row < kSamples; ++row) writer.append(samples.data() + row * kFeatures, 1);
  writer.finish();
}

}  // namespace
}  // namespace lacuna

int main(int count, char** arguments) {
  if (count != 2) return 2;
  try {
    lacuna::write_files(arguments[1]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
