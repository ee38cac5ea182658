#include "reference/autoencoder.h"

#include <algorithm>
#include <cmath>

#include "reference/convolution.h"
#include "reference/formulas.h"

namespace lacuna::reference {
namespace {

ReferenceLayer zero_layer(const Layer& layer) {
  const Shape shape = layer.weight_shape();
  return {Matrix(shape[0], shape.elements() / shape[0]),
          std::vector<double>(static_cast<std::size_t>(layer.channels())),
          layer.activation,
          layer.convolution,
          layer.positions(),
          layer.kept};
}

Matrix transposed(const Matrix& m) {
  Matrix t(m.columns, m.rows);
  for (std::int64_t i = 0; i < m.rows; ++i)
    for (std::int64_t j = 0; j < m.columns; ++j) t(j, i) = m(i, j);
  return t;
}

/// x W^T + b
Matrix affine(const Matrix& x, const ReferenceLayer& layer, const Matrix& weight) {
  Matrix a = layer.convolution ? convolution_product(*layer.convolution, x, weight) : forward_product(x, weight);
  for (std::int64_t i = 0; i < a.rows; ++i)
    for (std::int64_t j = 0; j < a.columns; ++j) a(i, j) += layer.bias[static_cast<std::size_t>(j / layer.positions)];
  return a;
}

/// Zeros all but the k largest of each row; returns which were kept.
std::vector<bool> keep_largest(Matrix& h, std::int64_t k) {
  std::vector<bool> kept;
  for (std::int64_t i = 0; i < h.rows; ++i) {
    const auto row = h.values.begin() + i * h.columns;
    const std::vector<bool> of_row = largest({row, row + h.columns}, k);
    for (std::int64_t j = 0; j < h.columns; ++j)
      if (!of_row[static_cast<std::size_t>(j)]) h(i, j) = 0.0;
    kept.insert(kept.end(), of_row.begin(), of_row.end());
  }
  return kept;
}

/// What leaves hidden layer l: its output, some of it dropped.
Matrix passed_on(const Matrix& output, const Given& given, std::size_t l) {
  Matrix next = output;
  if (!given.dropout.empty())
    for (std::size_t i = 0; i < next.values.size(); ++i) next.values[i] *= given.dropout[l].values[i];
  return next;
}

double sparsity_value(const Objective& objective, const Matrix& code, std::int64_t positions) {
  double value = 0.0;
  if (objective.sparsity == Sparsity::kl)
    for (double mean : unit_means(code, positions)) value += objective.beta * kl(mean, objective.rho);
  if (objective.sparsity == Sparsity::l1)
    for (double h : code.values) value += objective.l1 * std::abs(h) / static_cast<double>(code.rows);
  return value;
}

/// gradient += dS/dh
void add_sparsity_gradient(const Objective& objective, const Matrix& code, std::int64_t positions, Matrix& gradient) {
  const auto samples = static_cast<double>(code.rows), averaged = static_cast<double>(code.rows * positions);
  const std::vector<double> means = unit_means(code, positions);
  for (std::int64_t i = 0; i < code.rows; ++i)
    for (std::int64_t j = 0; j < code.columns; ++j) {
      if (objective.sparsity == Sparsity::kl)
        gradient(i, j) +=
            kl_slope(means[static_cast<std::size_t>(j / positions)], objective.rho) * objective.beta / averaged;
      if (objective.sparsity == Sparsity::l1) gradient(i, j) += objective.l1 * sign(code(i, j)) / samples;
    }
}

std::vector<double> row_of(const Matrix& m, std::int64_t i) {
  return {m.values.begin() + i * m.columns, m.values.begin() + (i + 1) * m.columns};
}

/// Cross-entropy and the number of right answers, from the logits.
void classify(const Matrix& logits, const std::vector<std::int32_t>& labels, Evaluation& result) {
  for (std::int64_t i = 0; i < logits.rows; ++i) {
    const std::vector<double> z = row_of(logits, i);
    const auto label = static_cast<std::size_t>(labels.at(static_cast<std::size_t>(i)));
    result.reconstruction += cross_entropy(z, label) / static_cast<double>(logits.rows);
    if (std::max_element(z.begin(), z.end()) - z.begin() == static_cast<std::ptrdiff_t>(label)) ++result.correct;
  }
}

/// dJ / d logits, of a classifier.
Matrix classifier_delta(const Matrix& logits, const std::vector<std::int32_t>& labels) {
  Matrix delta(logits.rows, logits.columns);
  for (std::int64_t i = 0; i < logits.rows; ++i) {
    const std::vector<double> p = softmax(row_of(logits, i));
    for (std::int64_t j = 0; j < logits.columns; ++j) {
      const double wanted = j == labels[static_cast<std::size_t>(i)] ? 1.0 : 0.0;
      delta(i, j) = (p[static_cast<std::size_t>(j)] - wanted) / static_cast<double>(logits.rows);
    }
  }
  return delta;
}

/// dJ / d pre-activation of the output layer.
Matrix output_delta(const Autoencoder& network, const Objective& objective, const Matrix& x, const Given& given,
                    const Evaluation& result) {
  const Matrix& logits = result.pre_activations.back();
  if (network.classifies) return classifier_delta(logits, given.labels);
  Matrix delta(x.rows, x.columns);
  const double scale = reduction_scale(objective.reduction, x.rows, x.columns);
  for (std::size_t i = 0; i < x.values.size(); ++i)
    delta.values[i] = scale * element_slope(objective.loss, network.layers.back().activation, x.values[i],
                                            result.outputs.back().values[i], logits.values[i]);
  return delta;
}

/// From the gradient of what left hidden layer l to that of its pre-activations.
Matrix hidden_delta(const Autoencoder& network, const Objective& objective, const Given& given,
                    const Evaluation& result, std::size_t l, const Matrix& gradient) {
  const ReferenceLayer& layer = network.layers[l];
  const bool is_code = l + 1 == network.encoder_layers;
  Matrix delta = passed_on(gradient, given, l);
  if (is_code && !network.classifies) add_sparsity_gradient(objective, result.outputs[l], layer.positions, delta);
  for (std::size_t i = 0; i < delta.values.size(); ++i) {
    delta.values[i] *= activation_slope(layer.activation, result.pre_activations[l].values[i]);
    if (is_code && !result.kept.empty() && !result.kept[i]) delta.values[i] = 0.0;
  }
  return delta;
}

/// In the order of parameters(): a tied weight's gradient joins that of the weight it is.
std::vector<std::vector<double>> gradients_in_order(const Autoencoder& network, const Objective& objective,
                                                    std::vector<Matrix> weights,
                                                    const std::vector<std::vector<double>>& biases) {
  std::vector<std::vector<double>> list;
  for (std::size_t l = 0; l < network.layers.size(); ++l)
    if (const auto owner = network.layers[l].tied_to) {
      const Matrix turned = transposed(weights[l]);
      for (std::size_t i = 0; i < turned.values.size(); ++i) weights[*owner].values[i] += turned.values[i];
    }
  for (std::size_t l = 0; l < network.layers.size(); ++l) {
    const ReferenceLayer& layer = network.layers[l];
    for (std::size_t i = 0; i < layer.weight.values.size(); ++i)
      weights[l].values[i] += objective.weight_decay * layer.weight.values[i];
    if (!layer.tied_to) list.push_back(std::move(weights[l].values));
    list.push_back(biases[l]);
  }
  return list;
}

/// Sums over the samples and positions of each unit.
std::vector<double> unit_sums(const Matrix& m, std::int64_t positions) {
  const std::vector<double> columns = column_sums(m);
  std::vector<double> sums(columns.size() / static_cast<std::size_t>(positions));
  for (std::size_t j = 0; j < columns.size(); ++j) sums[j / static_cast<std::size_t>(positions)] += columns[j];
  return sums;
}

template <class Network, class Values>
std::vector<Values*> parameters_in_order(Network& network) {
  std::vector<Values*> list;
  for (auto& layer : network.layers) {
    if (!layer.tied_to) list.push_back(&layer.weight.values);
    list.push_back(&layer.bias);
  }
  return list;
}

}  // namespace

Autoencoder::Autoencoder(const Network& network)
    : encoder_layers(network.encoder.size()), classifies(network.classifier.has_value()) {
  for (const Layer& layer : network.encoder) layers.push_back(zero_layer(layer));
  for (const Layer& layer : network.decoder) layers.push_back(zero_layer(layer));
  if (network.classifier) layers.push_back(zero_layer(*network.classifier));
  for (std::size_t l = encoder_layers; network.tied && l < layers.size(); ++l) {
    layers[l].tied_to = layers.size() - 1 - l;
    layers[l].weight = {};
  }
}

std::vector<std::vector<double>*> Autoencoder::parameters() {
  return parameters_in_order<Autoencoder, std::vector<double>>(*this);
}

std::vector<const std::vector<double>*> Autoencoder::parameters() const {
  return parameters_in_order<const Autoencoder, const std::vector<double>>(*this);
}

Matrix Autoencoder::weight(std::size_t layer) const {
  const auto owner = layers[layer].tied_to;
  return owner ? transposed(layers[*owner].weight) : layers[layer].weight;
}

std::vector<double> unit_means(const Matrix& h, std::int64_t positions) {
  std::vector<double> means = unit_sums(h, positions);
  for (double& mean : means) mean /= static_cast<double>(h.rows * positions);
  return means;
}

Evaluation evaluate_forward(const Autoencoder& network, const Objective& objective, const Matrix& x,
                            const Given& given) {
  Evaluation result;
  Matrix input = given.noisy.values.empty() ? x : given.noisy;
  for (std::size_t l = 0; l < network.layers.size(); ++l) {
    const ReferenceLayer& layer = network.layers[l];
    result.inputs.push_back(std::move(input));
    result.pre_activations.push_back(affine(result.inputs.back(), layer, network.weight(l)));
    result.outputs.push_back(result.pre_activations.back());
    for (double& value : result.outputs.back().values) value = activate(layer.activation, value);
    if (layer.kept > 0) result.kept = keep_largest(result.outputs.back(), given.kept > 0 ? given.kept : layer.kept);
    if (l + 1 < network.layers.size()) input = passed_on(result.outputs.back(), given, l);
    for (double w : layer.weight.values) result.weight_decay += 0.5 * objective.weight_decay * w * w;
  }
  const Matrix& logits = result.pre_activations.back();
  if (network.classifies) {
    classify(logits, given.labels, result);
    return result;
  }
  const Matrix& output = result.outputs.back();
  const double scale = reduction_scale(objective.reduction, x.rows, x.columns);
  for (std::size_t i = 0; i < x.values.size(); ++i)
    result.reconstruction += scale * element_loss(objective.loss, x.values[i], output.values[i], logits.values[i]);

  const Matrix& code = result.outputs[network.encoder_layers - 1];
  const std::int64_t positions = network.layers[network.encoder_layers - 1].positions;
  result.sparsity = sparsity_value(objective, code, positions);
  const std::vector<double> means = unit_means(code, positions);
  for (double mean : means) result.mean_activation += mean / static_cast<double>(means.size());
  return result;
}

Evaluation evaluate(const Autoencoder& network, const Objective& objective, const Matrix& x, const Given& given) {
  Evaluation result = evaluate_forward(network, objective, x, given);
  const std::size_t depth = network.layers.size();
  std::vector<Matrix> weights(depth);
  std::vector<std::vector<double>> biases(depth);
  Matrix delta = output_delta(network, objective, x, given, result);
  for (std::size_t l = depth; l-- > 0;) {
    const ReferenceLayer& layer = network.layers[l];
    const auto& convolution = layer.convolution;
    weights[l] = convolution ? convolution_weight_product(*convolution, delta, result.inputs[l])
                             : weight_product(delta, result.inputs[l]);
    biases[l] = unit_sums(delta, layer.positions);
    if (l == 0) break;
    const Matrix gradient = convolution ? convolution_input_product(*convolution, delta, layer.weight)
                                        : input_product(delta, network.weight(l));
    delta = hidden_delta(network, objective, given, result, l - 1, gradient);
  }
  result.gradients = gradients_in_order(network, objective, std::move(weights), biases);
  return result;
}

}  // namespace lacuna::reference
