#include "reference/autoencoder.h"

#include <cmath>

#include "reference/formulas.h"

namespace lacuna::reference {
namespace {

/// x W^T + b
Matrix affine(const Matrix& x, const DenseLayer& layer) {
  Matrix a = forward_product(x, layer.weight);
  for (std::int64_t i = 0; i < a.rows; ++i)
    for (std::int64_t j = 0; j < a.columns; ++j) a(i, j) += layer.bias[static_cast<std::size_t>(j)];
  return a;
}

double sparsity_value(const Objective& objective, const Matrix& code) {
  double value = 0.0;
  if (objective.sparsity == Sparsity::kl)
    for (double mean : column_means(code)) value += objective.beta * kl(mean, objective.rho);
  if (objective.sparsity == Sparsity::l1)
    for (double h : code.values) value += objective.l1 * std::abs(h) / static_cast<double>(code.rows);
  return value;
}

/// gradient += dS/dh
void add_sparsity_gradient(const Objective& objective, const Matrix& code, Matrix& gradient) {
  const double samples = static_cast<double>(code.rows);
  const std::vector<double> means = column_means(code);
  for (std::int64_t i = 0; i < code.rows; ++i)
    for (std::int64_t j = 0; j < code.columns; ++j) {
      if (objective.sparsity == Sparsity::kl)
        gradient(i, j) += kl_slope(means[static_cast<std::size_t>(j)], objective.rho) * objective.beta / samples;
      if (objective.sparsity == Sparsity::l1) gradient(i, j) += objective.l1 * sign(code(i, j)) / samples;
    }
}

DenseLayer zero_layer(const Layer& layer) {
  return {Matrix(layer.outputs, layer.inputs), std::vector<double>(static_cast<std::size_t>(layer.outputs)),
          layer.activation};
}

}  // namespace

Autoencoder::Autoencoder(const Network& network) : encoder_layers(network.encoder.size()) {
  for (const Layer& layer : network.encoder) layers.push_back(zero_layer(layer));
  for (const Layer& layer : network.decoder) layers.push_back(zero_layer(layer));
}

std::vector<std::vector<double>*> Autoencoder::parameters() {
  std::vector<std::vector<double>*> list;
  for (DenseLayer& layer : layers) {
    list.push_back(&layer.weight.values);
    list.push_back(&layer.bias);
  }
  return list;
}

std::vector<const std::vector<double>*> Autoencoder::parameters() const {
  std::vector<const std::vector<double>*> list;
  for (const DenseLayer& layer : layers) {
    list.push_back(&layer.weight.values);
    list.push_back(&layer.bias);
  }
  return list;
}

std::vector<double> column_means(const Matrix& h) {
  std::vector<double> means = column_sums(h);
  for (double& mean : means) mean /= static_cast<double>(h.rows);
  return means;
}

Evaluation evaluate_forward(const Autoencoder& network, const Objective& objective, const Matrix& x) {
  Evaluation result;
  for (const DenseLayer& layer : network.layers) {
    result.pre_activations.push_back(affine(result.outputs.empty() ? x : result.outputs.back(), layer));
    result.outputs.push_back(result.pre_activations.back());
    for (double& value : result.outputs.back().values) value = activate(layer.activation, value);
  }
  const Matrix& logits = result.pre_activations.back();
  const Matrix& output = result.outputs.back();
  const double scale = reduction_scale(objective.reduction, x.rows, x.columns);
  for (std::size_t i = 0; i < x.values.size(); ++i)
    result.reconstruction += scale * element_loss(objective.loss, x.values[i], output.values[i], logits.values[i]);

  const Matrix& code = result.outputs[network.encoder_layers - 1];
  result.sparsity = sparsity_value(objective, code);
  for (double mean : column_means(code)) result.mean_activation += mean / static_cast<double>(code.columns);
  for (const DenseLayer& layer : network.layers)
    for (double w : layer.weight.values) result.weight_decay += 0.5 * objective.weight_decay * w * w;
  return result;
}

Evaluation evaluate(const Autoencoder& network, const Objective& objective, const Matrix& x) {
  Evaluation result = evaluate_forward(network, objective, x);
  const std::size_t depth = network.layers.size();
  result.gradients.resize(2 * depth);

  // delta = dJ / d pre-activation of layer l, from the output layer down
  Matrix delta = result.outputs.back();
  const double scale = reduction_scale(objective.reduction, x.rows, x.columns);
  for (std::size_t i = 0; i < x.values.size(); ++i)
    delta.values[i] = scale * element_slope(objective.loss, network.layers.back().activation, x.values[i],
                                            result.outputs.back().values[i], result.pre_activations.back().values[i]);

  for (std::size_t l = depth; l-- > 0;) {
    const DenseLayer& layer = network.layers[l];
    Matrix weight_gradient = weight_product(delta, l == 0 ? x : result.outputs[l - 1]);
    for (std::size_t i = 0; i < weight_gradient.values.size(); ++i)
      weight_gradient.values[i] += objective.weight_decay * layer.weight.values[i];
    result.gradients[2 * l] = std::move(weight_gradient.values);
    result.gradients[2 * l + 1] = column_sums(delta);
    if (l == 0) break;

    delta = input_product(delta, layer.weight);
    if (l == network.encoder_layers) add_sparsity_gradient(objective, result.outputs[l - 1], delta);
    for (std::size_t i = 0; i < delta.values.size(); ++i)
      delta.values[i] *= activation_slope(network.layers[l - 1].activation, result.pre_activations[l - 1].values[i]);
  }
  return result;
}

}  // namespace lacuna::reference
