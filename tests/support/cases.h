#pragma once

#include <string>
#include <vector>

#include "lacuna/network.h"
#include "lacuna/objective.h"

namespace lacuna::test {

/// One combination of the words that choose the mathematics.
struct Case {
  Loss loss = Loss::half_squared;
  Reduction reduction = Reduction::sample;
  Sparsity sparsity = Sparsity::kl;
  Activation hidden = Activation::sigmoid;
  Activation output = Activation::sigmoid;

  /// bce needs a sigmoid output, kl a sigmoid code.
  bool valid() const {
    return (loss != Loss::bce || output == Activation::sigmoid) &&
           (sparsity != Sparsity::kl || hidden == Activation::sigmoid);
  }
  /// "bce/sample/kl/sigmoid/sigmoid": loss, reduction, sparsity, hidden and output activation.
  std::string name() const;
};

/// Every valid case: 147 of them.
std::vector<Case> all_cases();

/// features -> encoder... -> decoder... -> features. `hidden` on every layer but the last.
Network make_network(std::int64_t features, const std::vector<std::int64_t>& encoder,
                     const std::vector<std::int64_t>& decoder, Activation hidden, Activation output);

}  // namespace lacuna::test
