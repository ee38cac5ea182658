#pragma once

#include "lacuna/math/activation.h"
#include "lacuna/network.h"

namespace lacuna::cuda {

/// Calls f with the struct of the activation's formulas.
template <class F>
void with_activation(Activation activation, const F& f) {
  switch (activation) {
    case Activation::identity:
      return f(math::Identity{});
    case Activation::sigmoid:
      return f(math::Sigmoid{});
    case Activation::relu:
      return f(math::Relu{});
  }
}

}  // namespace lacuna::cuda
