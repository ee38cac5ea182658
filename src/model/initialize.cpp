#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>

#include "core/words.h"
#include "lacuna/error.h"
#include "lacuna/math/uniform.h"
#include "lacuna/model.h"

namespace lacuna {

namespace {

constexpr words::Table<InitScheme, 4> kSchemes{{
    {InitScheme::xavier_uniform, "xavier-uniform"},
    {InitScheme::ufldl, "ufldl"},
    {InitScheme::normal, "normal"},
    {InitScheme::he, "he"},
}};

using math::Philox4;
using math::Purpose;

void fill_uniform(float* values, std::int64_t count, float limit, std::uint64_t seed, std::uint32_t stream) {
  for (std::int64_t i = 0; i < count; i += 4) {
    const math::Uniform4 block = math::uniform_weights(limit, seed, stream, static_cast<std::uint64_t>(i / 4));
    for (std::int64_t w = 0; w < 4 && i + w < count; ++w) values[i + w] = block.at[w];
  }
}

/// N(0, sigma^2) by Box and Muller's transform in double: each block gives four values.
void fill_normal(float* values, std::int64_t count, double sigma, std::uint64_t seed, std::uint32_t stream) {
  for (std::int64_t i = 0; i < count; i += 4) {
    const Philox4 block = math::random_block(seed, Purpose::weights, stream, static_cast<std::uint64_t>(i / 4));
    double normal[4];
    for (int pair = 0; pair < 2; ++pair) {
      // (0, 1]: the logarithm of 0 must not be asked for.
      const double u = (static_cast<double>(block.word[2 * pair]) + 1.0) * 0x1p-32;
      const double angle = 2.0 * std::numbers::pi * static_cast<double>(block.word[2 * pair + 1]) * 0x1p-32;
      const double radius = std::sqrt(-2.0 * std::log(u));
      normal[2 * pair] = radius * std::cos(angle);
      normal[2 * pair + 1] = radius * std::sin(angle);
    }
    for (std::int64_t w = 0; w < 4 && i + w < count; ++w) values[i + w] = static_cast<float>(sigma * normal[w]);
  }
}

}  // namespace

const char* to_string(InitScheme scheme) {
  return words::word_of(kSchemes, scheme);
}

Init parse_init(std::string_view word) {
  Init init;
  const std::size_t colon = word.find(':');
  init.scheme = words::parse(kSchemes, "initialisation", word.substr(0, colon));
  if (colon == std::string_view::npos) return init;
  const std::string_view argument = word.substr(colon + 1);
  if (init.scheme != InitScheme::normal)
    throw InputError(fmt::format("initialisation \"{}\": only normal takes a number", word));
  const auto [end, error] = std::from_chars(argument.data(), argument.data() + argument.size(), init.sigma);
  if (error != std::errc() || end != argument.data() + argument.size() || !(init.sigma > 0) ||
      !std::isfinite(init.sigma))
    throw InputError(fmt::format("initialisation \"{}\": the standard deviation must be a positive number", word));
  return init;
}

Model::Model(const Network& n)
    : network(n), layout(n), parameters(static_cast<std::size_t>(layout.slab_elements()), 0.0f) {}

const float* Model::data(std::string_view parameter) const {
  return parameters.data() + layout[parameter].offset;
}
float* Model::data(std::string_view parameter) {
  return parameters.data() + layout[parameter].offset;
}

void initialize(Model& model, const Init& init, std::uint64_t seed) {
  std::uint32_t stream = 0;
  for (const Parameter& parameter : model.layout.parameters()) {
    if (!parameter.alias_of.empty()) {
      ++stream;
      continue;
    }
    float* values = model.parameters.data() + parameter.offset;
    const std::int64_t count = parameter.elements();
    if (parameter.shape.rank() == 1) {
      std::fill_n(values, count, 0.0f);
    } else {
      const double fan_out = parameter.fan_out, fan_in = parameter.fan_in;
      switch (init.scheme) {
        case InitScheme::xavier_uniform:
          fill_uniform(values, count, static_cast<float>(std::sqrt(6.0 / (fan_in + fan_out))), seed, stream);
          break;
        case InitScheme::ufldl:
          fill_uniform(values, count, static_cast<float>(std::sqrt(6.0 / (fan_in + fan_out + 1))), seed, stream);
          break;
        case InitScheme::normal:
          fill_normal(values, count, init.sigma, seed, stream);
          break;
        case InitScheme::he:
          fill_normal(values, count, std::sqrt(2.0 / fan_in), seed, stream);
          break;
      }
    }
    ++stream;
  }
}

}  // namespace lacuna
