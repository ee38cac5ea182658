#pragma once

#include "lacuna/network.h"
#include "reference/matrix.h"

// Convolutions and transposed ones, as torch.nn.Conv2d and ConvTranspose2d compute them, without bias. Samples are
// rows [channels, height, width]; weights lie as Convolution::weight_shape() says, of any number of matrix columns.

namespace lacuna::reference {

/// [M, outputs] from x [M, inputs].
Matrix convolution_product(const Convolution& convolution, const Matrix& x, const Matrix& weight);
/// The gradient of the weight, from d [M, outputs], the gradient of the product.
Matrix convolution_weight_product(const Convolution& convolution, const Matrix& d, const Matrix& x);
/// The gradient of the input.
Matrix convolution_input_product(const Convolution& convolution, const Matrix& d, const Matrix& weight);

}  // namespace lacuna::reference
