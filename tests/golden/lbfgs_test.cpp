// L-BFGS against SciPy's on the same objectives from the same start (make_lbfgs.py): in double precision on the
// reference, where every digit of the minimum must agree, and by the Trainer in single precision.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>

#include "lacuna/safetensors.h"
#include "lacuna/trainer.h"
#include "reference/autoencoder.h"
#include "support/cases.h"
#include "support/host_vectors.h"

namespace lacuna::test {
namespace {

constexpr std::int64_t kFeatures = 5, kHidden = 4, kClasses = 3;

struct GoldenCase {
  Vector x, start, history, labels;
  std::int64_t evaluations = 0;
};

GoldenCase golden(const std::string& name) {
  static const SafetensorsFile file = SafetensorsFile::open(std::string(LACUNA_GOLDEN_DIR) + "/lbfgs.safetensors");
  const auto read = [&](const std::string& key) -> Vector {
    const NamedTensor* tensor = file.find(name + ":" + key);
    if (!tensor) return {};
    EXPECT_EQ(tensor->view.dtype, DType::f64);
    const auto* values = static_cast<const double*>(tensor->view.data);
    return {values, values + tensor->view.shape.elements()};
  };
  const Vector evaluations = read("evaluations");
  EXPECT_EQ(evaluations.size(), 1U) << name;
  return {read("x"), read("start"), read("history"), read("labels"), static_cast<std::int64_t>(evaluations.at(0))};
}

const Case kAutoencoders[] = {
    {},
    {Loss::bce, Reduction::element, Sparsity::none, Activation::sigmoid, Activation::sigmoid},
};

Network network_of(const Case& c) {
  return make_network(kFeatures, {kHidden}, {}, c.hidden, c.output);
}

Objective objective_of(const Case& c) {
  return {.loss = c.loss,
          .reduction = c.reduction,
          .sparsity = c.sparsity,
          .rho = 0.1,
          .beta = 3.0,
          .l1 = 0.2,
          .weight_decay = 0.01};
}

void expect_about_as_many(std::int64_t evaluations, std::int64_t scipy) {
  EXPECT_LE(static_cast<double>(evaluations), 1.15 * static_cast<double>(scipy));
}

TEST(LbfgsGolden, TheReferenceEndsWhereSciPyEnds) {
  for (const Case& c : kAutoencoders) {
    const GoldenCase expected = golden(c.name());
    reference::Matrix x(static_cast<std::int64_t>(expected.x.size()) / kFeatures, kFeatures);
    x.values = expected.x;
    reference::Autoencoder network(network_of(c));
    const auto objective = [&](const Vector& parameters, Vector& gradient) {
      auto from = parameters.begin();
      for (Vector* to : network.parameters()) {
        std::copy_n(from, to->size(), to->begin());
        from += static_cast<std::ptrdiff_t>(to->size());
      }
      const reference::Evaluation result = evaluate(network, objective_of(c), x);
      gradient.clear();
      for (const Vector& part : result.gradients) gradient.insert(gradient.end(), part.begin(), part.end());
      return result.total();
    };
    HostVectors vectors(objective, expected.start, 10);
    Lbfgs lbfgs(vectors, {.tolerance = 1e-15, .line = {}});
    EXPECT_NEAR(lbfgs.objective(), expected.history.front(), 1e-12 * expected.history.front()) << c.name();
    while (lbfgs.iterate()) {
    }
    EXPECT_NEAR(lbfgs.objective(), expected.history.back(), 1e-12 * expected.history.back()) << c.name();
    expect_about_as_many(lbfgs.state().evaluations, expected.evaluations);
  }
}

/// How many iterations go by until J is at most this share above its last.
std::int64_t iterations_within(const Vector& history, double share) {
  const auto reached = [&](double value) { return value <= history.back() * (1.0 + share); };
  return std::find_if(history.begin(), history.end(), reached) - history.begin();
}

void expect_same_training(const Network& network, const Objective& objective, const GoldenCase& expected) {
  Model model(network);
  auto from = expected.start.begin();
  for (const Parameter& p : model.layout.parameters())
    for (std::int64_t i = 0; i < p.elements(); ++i)
      model.parameters[static_cast<std::size_t>(p.offset + i)] = static_cast<float>(*from++);
  ASSERT_EQ(from, expected.start.end());
  const auto values = std::make_shared<std::vector<float>>();
  for (double value : expected.x) values->push_back(static_cast<float>(value));
  std::vector<std::int32_t> labels;
  for (double label : expected.labels) labels.push_back(static_cast<std::int32_t>(label));
  const auto rows = static_cast<std::int64_t>(expected.x.size()) / kFeatures;
  const Dataset data("golden", rows, {kFeatures}, DType::f32, values->data(), values, labels);

  TrainerOptions options;
  options.objective = objective;
  options.optimizer.kind = OptimizerKind::lbfgs;
  const auto backend = make_cpu_backend(1);
  Trainer trainer(*backend, model, data, options);
  Vector history;
  for (const StepLoss& loss : trainer.run(1000)) history.push_back(loss.total());
  EXPECT_FALSE(trainer.finished().empty());
  EXPECT_NEAR(history.front(), expected.history.front(), 1e-6 * expected.history.front());
  EXPECT_NEAR(history.back(), expected.history.back(), 1e-6 * expected.history.back());
  for (double share : {1e-1, 1e-2, 1e-3, 1e-4})
    EXPECT_LE(iterations_within(history, share), iterations_within(expected.history, share) + 3) << share;
  expect_about_as_many(trainer.evaluations(), expected.evaluations);
}

TEST(LbfgsGolden, TrainingEndsWhereSciPyEnds) {
  for (const Case& c : kAutoencoders) {
    SCOPED_TRACE(c.name());
    expect_same_training(network_of(c), objective_of(c), golden(c.name()));
  }
  SCOPED_TRACE("softmax");
  expect_same_training(Network::classifying({}, kFeatures, kClasses), {.weight_decay = 0.01}, golden("softmax"));
}

}  // namespace
}  // namespace lacuna::test
