#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "train/plans.h"

namespace lacuna {

/// One layer within a plan.
struct PlanLayer {
  Layer layer;
  std::string name;                                // "encoder.0"
  BufferId weight, bias;                           // bias: [channels]
  WeightLayout weight_layout;                      // in_out: a tied decoder reads the encoder's weight
  bool tied;                                       // its weight gradient adds to the encoder's
  BufferId bias_columns = kNoBuffer;               // [outputs]; of a dense layer the bias itself
  BufferId input = kNoBuffer, output = kNoBuffer;  // [M, inputs], [M, outputs]
  BufferId kept = kNoBuffer;                       // mask of a k-sparse layer
  BufferId gradient = kNoBuffer;                   // of output, dropout undone; then delta
  bool dropout = false;                            // between output and the next layer's input
};

/// Column sums of the code.
struct CodeSums {
  BufferId sums = kNoBuffer, abs_sums = kNoBuffer;
};

/// Builds a plan from its beginning to its end.
class PlanBuilder {
 public:
  StepPlan plan;
  ParameterLayout layout;
  std::vector<PlanLayer> layers;  // encoder, then decoder or classifier
  std::size_t encoder_layers;
  BufferId data, state, scalars, parameters, batch;
  std::int64_t rows;

  PlanBuilder(std::string name, const Network& network, std::int64_t batch_rows, std::int64_t data_rows,
              DType data_type, bool bind_batch = false)
      : layout(network), encoder_layers(network.encoder.size()), rows(batch_rows) {
    plan.name = std::move(name);
    data = plan.bound(names::kData, data_type, {data_rows, network.features()});
    state = plan.bound(names::kState, DType::i64, {3});
    scalars = plan.bound(names::kScalars, DType::f32, {kStepScalars});
    parameters = plan.bound(names::kParameters, DType::f32, {layout.slab_elements()});
    const Shape batch_shape{rows, network.features()};
    batch = bind_batch ? plan.bound(names::kBatch, DType::f32, batch_shape) : plan.scratch(names::kBatch, batch_shape);
    const auto add = [&](const Layer& layer, const std::string& layer_name) {
      const Parameter& weight = layout[layer_name + ".weight"];
      layers.push_back({layer, layer_name, parameter(parameters, "", weight),
                        parameter(parameters, "", layout[layer_name + ".bias"]), weight.layout,
                        !weight.alias_of.empty()});
    };
    for (std::size_t i = 0; i < network.encoder.size(); ++i) add(network.encoder[i], fmt::format("encoder.{}", i));
    for (std::size_t i = 0; i < network.decoder.size(); ++i) add(network.decoder[i], fmt::format("decoder.{}", i));
    if (network.classifier) add(*network.classifier, "classifier");
  }

  BufferId parameter(BufferId slab, const std::string& slab_name, const Parameter& p) {
    // In memory a tied weight lies as its owner does.
    const Shape shape = p.layout == WeightLayout::out_in ? p.shape : Shape{p.shape[1], p.shape[0]};
    return plan.slice(slab_name + p.name, slab, p.offset, shape);
  }
  BufferId value(const char* name) { return plan.scratch(name, {1}, DType::f64); }
  template <class Op>
  void push(Op op) {
    plan.operations.push_back(std::move(op));
  }
  bool is_code(std::size_t i) const { return i + 1 == encoder_layers; }

  /// The batch, with labels if they are bound; returns the batch's labels.
  BufferId gather(bool shuffle, std::uint64_t seed, bool labels) {
    Gather op{data, state, batch, shuffle, seed};
    if (labels) {
      op.labels = plan.bound(names::kLabels, DType::i32, {plan[data].shape[0]});
      op.batch_labels = plan.scratch("batch_labels", {rows}, DType::i32);
    }
    push(op);
    return op.batch_labels;
  }

  /// Layer i without its bias and activation: what a loss takes up.
  void product(std::size_t i, BufferId input, BufferId output) {
    PlanLayer& l = layers[i];
    l.input = input;
    l.output = output;
    spread_bias(l);
    if (l.layer.convolution) {
      push(ConvolutionForward{*l.layer.convolution, input, l.weight, output});
    } else {
      DenseForward op;
      op.input = input;
      op.weight = l.weight;
      op.output = output;
      op.weight_layout = l.weight_layout;
      push(op);
    }
  }

  /// Layer i, and the sums of its output if they are wanted.
  void forward(std::size_t i, BufferId input, BufferId output, const CodeSums& sums) {
    PlanLayer& l = layers[i];
    const bool sparse = l.layer.kept > 0;
    const CodeSums before = sparse ? CodeSums{} : sums;
    if (l.layer.convolution) {
      product(i, input, output);
      push(BiasActivation{output, l.bias_columns, l.layer.activation, before.sums, before.abs_sums});
    } else {
      l.input = input;
      l.output = output;
      l.bias_columns = l.bias;
      push(DenseForward{input, l.weight, l.bias, l.layer.activation, output, before.sums, before.abs_sums,
                        l.weight_layout});
    }
    if (sparse) push(TopK{output, scalars, l.kept, sums.sums, sums.abs_sums});
  }

  /// Sums by columns become sums by channels: a unit of a convolution is a channel.
  BufferId by_channel(const Layer& layer, BufferId columns, const std::string& name) {
    if (columns == kNoBuffer || layer.positions() == 1) return columns;
    const BufferId channels = plan.scratch(name, {layer.channels()});
    push(SumChannels{columns, channels});
    return channels;
  }

 private:
  void spread_bias(PlanLayer& l) {
    l.bias_columns = l.bias;
    if (l.layer.positions() == 1) return;
    l.bias_columns = plan.scratch(l.name + ".bias_columns", {l.layer.outputs});
    push(SpreadChannels{l.bias, l.bias_columns});
  }
};

}  // namespace lacuna
