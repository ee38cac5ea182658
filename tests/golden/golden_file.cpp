#include "golden/golden_file.h"

#include <cmath>
#include <stdexcept>

#include "lacuna/safetensors.h"

namespace lacuna::test {
namespace {

SafetensorsFile open_golden(const std::string& name) {
  return SafetensorsFile::open(std::string(LACUNA_GOLDEN_DIR) + "/" + name + ".safetensors");
}

}  // namespace

Tensors golden(const std::string& name) {
  const auto file = open_golden(name);
  Tensors tensors;
  for (const NamedTensor& tensor : file.tensors()) {
    if (tensor.view.dtype != DType::f64) throw std::runtime_error(tensor.name + " is not float64");
    const auto* values = static_cast<const double*>(tensor.view.data);
    tensors[tensor.name].assign(values, values + tensor.view.shape.elements());
  }
  return tensors;
}

std::map<std::string, Shape> golden_shapes(const std::string& name) {
  const auto file = open_golden(name);
  std::map<std::string, Shape> shapes;
  for (const NamedTensor& tensor : file.tensors()) shapes[tensor.name] = tensor.view.shape;
  return shapes;
}

double relative_error(std::span<const double> value, std::span<const double> expected) {
  if (value.size() != expected.size()) return INFINITY;
  double difference = 0.0, norm = 0.0;
  for (std::size_t i = 0; i < value.size(); ++i) {
    difference += std::pow(value[i] - expected[i], 2);
    norm += std::pow(expected[i], 2);
  }
  return difference == 0.0 ? 0.0 : std::sqrt(difference / norm);
}

}  // namespace lacuna::test
