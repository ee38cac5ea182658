#include "reference/autoencoder.h"

#include <algorithm>
#include <cmath>

namespace lacuna::reference {
namespace {

constexpr double kClip = 0x1p-20;

double sigmoid(double a) {
  return 1.0 / (1.0 + std::exp(-a));
}

double sign(double v) {
  return v > 0 ? 1.0 : v < 0 ? -1.0 : 0.0;
}

/// x W^T + b
Matrix affine(const Matrix& x, const DenseLayer& layer) {
  Matrix a(x.rows, layer.weight.rows);
  for (std::int64_t i = 0; i < a.rows; ++i)
    for (std::int64_t j = 0; j < a.columns; ++j) {
      double sum = layer.bias[static_cast<std::size_t>(j)];
      for (std::int64_t k = 0; k < x.columns; ++k) sum += x(i, k) * layer.weight(j, k);
      a(i, j) = sum;
    }
  return a;
}

/// d^T x: the gradient of the weights
Matrix transposed_product(const Matrix& d, const Matrix& x) {
  Matrix g(d.columns, x.columns);
  for (std::int64_t i = 0; i < d.rows; ++i)
    for (std::int64_t j = 0; j < d.columns; ++j)
      for (std::int64_t k = 0; k < x.columns; ++k) g(j, k) += d(i, j) * x(i, k);
  return g;
}

/// d W: the gradient of the layer's input
Matrix product(const Matrix& d, const Matrix& weight) {
  Matrix g(d.rows, weight.columns);
  for (std::int64_t i = 0; i < d.rows; ++i)
    for (std::int64_t j = 0; j < d.columns; ++j)
      for (std::int64_t k = 0; k < weight.columns; ++k) g(i, k) += d(i, j) * weight(j, k);
  return g;
}

std::vector<double> column_sums(const Matrix& d) {
  std::vector<double> sums(static_cast<std::size_t>(d.columns));
  for (std::int64_t i = 0; i < d.rows; ++i)
    for (std::int64_t j = 0; j < d.columns; ++j) sums[static_cast<std::size_t>(j)] += d(i, j);
  return sums;
}

double reduction_scale(Reduction reduction, const Matrix& x) {
  switch (reduction) {
    case Reduction::sum:
      return 1.0;
    case Reduction::sample:
      return 1.0 / static_cast<double>(x.rows);
    case Reduction::element:
      return 1.0 / static_cast<double>(x.rows * x.columns);
  }
  return 0.0;
}

/// Loss of one element: target x, output y, logit a.
double element_loss(Loss loss, double x, double y, double a) {
  switch (loss) {
    case Loss::squared:
      return (y - x) * (y - x);
    case Loss::half_squared:
      return 0.5 * (y - x) * (y - x);
    case Loss::bce:  // -x log(y) - (1-x) log(1-y) with y = sigmoid(a)
      return std::max(a, 0.0) - a * x + std::log1p(std::exp(-std::abs(a)));
  }
  return 0.0;
}

/// Its derivative with respect to a, where y = activation(a).
double element_slope(Loss loss, Activation activation, double x, double y, double a) {
  switch (loss) {
    case Loss::squared:
      return 2.0 * (y - x) * activation_slope(activation, a);
    case Loss::half_squared:
      return (y - x) * activation_slope(activation, a);
    case Loss::bce:
      return y - x;
  }
  return 0.0;
}

double kl(double mean, double rho) {
  mean = std::clamp(mean, kClip, 1.0 - kClip);
  return rho * std::log(rho / mean) + (1.0 - rho) * std::log((1.0 - rho) / (1.0 - mean));
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
        gradient(i, j) += kl_slope(means[static_cast<std::size_t>(j)], objective.rho, objective.beta) / samples;
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

double activate(Activation activation, double a) {
  switch (activation) {
    case Activation::identity:
      return a;
    case Activation::sigmoid:
      return sigmoid(a);
    case Activation::relu:
      return a < 0.0 ? 0.0 : a;  // written so that NaN stays NaN
  }
  return 0.0;
}

double activation_slope(Activation activation, double a) {
  switch (activation) {
    case Activation::identity:
      return 1.0;
    case Activation::sigmoid:
      return sigmoid(a) * sigmoid(-a);
    case Activation::relu:
      return a > 0.0 ? 1.0 : 0.0;
  }
  return 0.0;
}

std::vector<double> column_means(const Matrix& h) {
  std::vector<double> means = column_sums(h);
  for (double& mean : means) mean /= static_cast<double>(h.rows);
  return means;
}

double kl_slope(double mean, double rho, double beta) {
  if (mean < kClip || mean > 1.0 - kClip) return 0.0;
  return beta * (-rho / mean + (1.0 - rho) / (1.0 - mean));
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
  const double scale = reduction_scale(objective.reduction, x);
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
  const double scale = reduction_scale(objective.reduction, x);
  for (std::size_t i = 0; i < x.values.size(); ++i)
    delta.values[i] = scale * element_slope(objective.loss, network.layers.back().activation, x.values[i],
                                            result.outputs.back().values[i], result.pre_activations.back().values[i]);

  for (std::size_t l = depth; l-- > 0;) {
    const DenseLayer& layer = network.layers[l];
    Matrix weight_gradient = transposed_product(delta, l == 0 ? x : result.outputs[l - 1]);
    for (std::size_t i = 0; i < weight_gradient.values.size(); ++i)
      weight_gradient.values[i] += objective.weight_decay * layer.weight.values[i];
    result.gradients[2 * l] = std::move(weight_gradient.values);
    result.gradients[2 * l + 1] = column_sums(delta);
    if (l == 0) break;

    delta = product(delta, layer.weight);
    if (l == network.encoder_layers) add_sparsity_gradient(objective, result.outputs[l - 1], delta);
    for (std::size_t i = 0; i < delta.values.size(); ++i)
      delta.values[i] *= activation_slope(network.layers[l - 1].activation, result.pre_activations[l - 1].values[i]);
  }
  return result;
}

}  // namespace lacuna::reference
