#include "support/cases.h"

namespace lacuna::test {

std::string Case::name() const {
  return std::string(to_string(loss)) + "/" + to_string(reduction) + "/" + to_string(sparsity) + "/" +
         to_string(hidden) + "/" + to_string(output);
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (Loss loss : {Loss::squared, Loss::half_squared, Loss::bce})
    for (Reduction reduction : {Reduction::sum, Reduction::sample, Reduction::element})
      for (Sparsity sparsity : {Sparsity::none, Sparsity::kl, Sparsity::l1})
        for (Activation hidden : {Activation::identity, Activation::sigmoid, Activation::relu})
          for (Activation output : {Activation::identity, Activation::sigmoid, Activation::relu})
            if (const Case c{loss, reduction, sparsity, hidden, output}; c.valid()) cases.push_back(c);
  return cases;
}

Network make_network(std::int64_t features, const std::vector<std::int64_t>& encoder,
                     const std::vector<std::int64_t>& decoder, Activation hidden, Activation output) {
  Network network;
  std::int64_t inputs = features;
  for (std::int64_t units : encoder) {
    network.encoder.push_back({inputs, units, hidden});
    inputs = units;
  }
  for (std::int64_t units : decoder) {
    network.decoder.push_back({inputs, units, hidden});
    inputs = units;
  }
  network.decoder.push_back({inputs, features, output});
  return network;
}

}  // namespace lacuna::test
