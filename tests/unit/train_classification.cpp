#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "lacuna/trainer.h"
#include "support/forwarding_backend.h"
#include "train/classification.h"
#include "unit/io_support.h"

namespace lacuna {
namespace {

using ::testing::ElementsAre;

/// Three classes of points on two axes: what is larger wins, and 0 beats both where they are small.
Model judge() {
  Model model(Network::classifying({}, 2, 3));
  const float weight[] = {0, 0, 4, 0, 0, 4}, bias[] = {2, 0, 0};
  std::copy_n(weight, 6, model.data("classifier.weight"));
  std::copy_n(bias, 3, model.data("classifier.bias"));
  return model;
}

Dataset points(const std::vector<float>& values, std::vector<std::int32_t> labels) {
  const auto copy = std::make_shared<std::vector<float>>(values);
  return {"points",         static_cast<std::int64_t>(values.size() / 2), {2}, DType::f32, copy->data(), copy,
          std::move(labels)};
}

Dataset five() {
  return points({0, 0, 1, 0, 0, 1, 1, 0, 0.9F, 1}, {0, 1, 2, 2, 1});
}

TEST(Classification, CountsWhatIsTakenForWhat) {
  const auto backend = make_backend("cpu", {.threads = 1});
  const Classification c = classify(*backend, judge(), five());
  EXPECT_EQ(c.samples, 5);
  EXPECT_EQ(c.correct, 3);
  EXPECT_DOUBLE_EQ(c.accuracy(), 0.6);
  EXPECT_THAT(c.confusion, ElementsAre(ElementsAre(1, 0, 0), ElementsAre(0, 1, 1), ElementsAre(0, 1, 1)));
  // Logits of the samples: (2, 0, 0), (2, 4, 0), (2, 0, 4), (2, 4, 0), (2, 3.6, 4).
  const auto cost = [](double a, double b, double c0, double right) {
    return std::log(std::exp(a) + std::exp(b) + std::exp(c0)) - right;
  };
  const double wanted =
      (cost(2, 0, 0, 2) + cost(2, 4, 0, 4) + cost(2, 0, 4, 4) + cost(2, 4, 0, 0) + cost(2, 3.6, 4, 3.6)) / 5;
  EXPECT_NEAR(c.cross_entropy, wanted, 1e-6);
  // The evaluator adds up the same in another way.
  const StepLoss loss = Evaluator(*backend, judge(), five()).loss({});
  EXPECT_NEAR(loss.reconstruction, wanted, 1e-6);
  EXPECT_EQ(loss.correct, 3);
}

TEST(Classification, TheFileHasEachClassWithItsName) {
  const auto backend = make_backend("cpu", {.threads = 1});
  const Dataset named = five().with_notes({{"none", "right", "up"}, {}});
  const Classification c = classify(*backend, judge(), named);
  const std::string text = evaluation_json(c, classify(*backend, judge(), five()));
  EXPECT_THAT(text, ::testing::HasSubstr("\"confusion\": [\n    [1, 0, 0],\n    [0, 1, 1],\n    [0, 1, 1]\n  ]"));
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json["data"], "points");
  EXPECT_EQ(json["samples"], 5);
  EXPECT_EQ(json["accuracy"], 0.6);
  EXPECT_NEAR(json["error"], 0.4, 1e-15);
  EXPECT_EQ(json["classes"], nlohmann::json::parse(R"(["none", "right", "up"])"));
  EXPECT_EQ(json["per_class"][1],
            nlohmann::json::parse(R"({"class": "right", "samples": 2, "correct": 1, "accuracy": 0.5})"));
  EXPECT_EQ(json["confusion"], nlohmann::json::parse("[[1,0,0],[0,1,1],[0,1,1]]"));
  EXPECT_EQ(json["rest"]["classes"][0], "0");
  EXPECT_FALSE(nlohmann::json::parse(evaluation_json(c, std::nullopt)).contains("rest"));
}

TEST(Classification, AClassWithoutSamplesHasNoAccuracy) {
  const auto backend = make_backend("cpu", {.threads = 1});
  const auto json =
      nlohmann::json::parse(evaluation_json(classify(*backend, judge(), points({1, 0, 0, 1}, {1, 2})), std::nullopt));
  EXPECT_EQ(json["accuracy"], 1.0);
  EXPECT_TRUE(json["per_class"][0]["accuracy"].is_null());
}

TEST(Classification, RefusesDataThatCannotBeJudged) {
  const auto backend = make_backend("cpu", {.threads = 1});
  test::expect_error<InputError>([&] { classify(*backend, judge(), points({1, 0, 1, 0}, {1, 3})); }, {"3"});
  test::expect_error<InputError>([&] { classify(*backend, judge(), points({1, 0}, {})); }, {"no labels"});
}

TEST(Classification, OnlyTheLossLooksAtLabels) {
  const auto backend = make_backend("cpu", {.threads = 1});
  const Dataset others = points({1, 0, 0, 1}, {7, 9}), none = points({1, 0, 0, 1}, {});
  Evaluator evaluator(*backend, judge(), others);
  std::vector<float> answers;
  evaluator.classify([&](const float* values, std::int64_t rows) { answers.assign(values, values + 3 * rows); });
  std::vector<float> unlabelled;
  Evaluator(*backend, judge(), none).classify([&](const float* values, std::int64_t rows) {
    unlabelled.assign(values, values + 3 * rows);
  });
  EXPECT_EQ(answers, unlabelled);
  EXPECT_EQ(answers.size(), 6u);
  test::expect_error<InputError>([&] { evaluator.loss({}); }, {"label 7", "3 classes"});
  test::expect_error<InputError>([&] { Evaluator(*backend, judge(), none).loss({}); }, {"no labels"});

  const Model encoding(Network::classifying(Network::autoencoder(2, {4}).encoder, 2, 3));
  EXPECT_THAT(encode_dataset(*backend, encoding, others).labels(), ElementsAre(7, 9));
}

TEST(Classification, ATeachersGuessesAreTakenWhereItIsSure) {
  const auto backend = make_backend("cpu", {.threads = 1});
  const Dataset data =
      points({0, 0, 1, 0, 0, 1, 9, 9}, {7, 7, 7, 7});  // the last sample is half the one, half the other
  const auto guessed = pseudo_labelled(*backend, judge(), data, 0.7);
  ASSERT_TRUE(guessed);
  EXPECT_THAT(guessed->labels(), ElementsAre(0, 1, 2));
  const auto known = pseudo_labelled(*backend, judge(), data, 0.7, 2);
  ASSERT_TRUE(known);
  EXPECT_THAT(known->labels(), ElementsAre(0, 1)) << "class 2 is none of the data's";
  EXPECT_FALSE(pseudo_labelled(*backend, judge(), data, 0.7, 0));
}

TEST(Classification, ATeacherIsNotSureOfNaN) {
  const auto backend = make_backend("cpu", {.threads = 1});
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto guessed = pseudo_labelled(*backend, judge(), points({nan, 0, 0, 1}, {}), 0.5);
  ASSERT_TRUE(guessed);
  EXPECT_THAT(guessed->labels(), ElementsAre(2));
  EXPECT_FALSE(pseudo_labelled(*backend, judge(), points({nan, 0}, {}), 0.5));
}

/// How often it was asked to compile.
class CountingBackend : public test::ForwardingBackend {
 public:
  int compiled = 0;
  std::unique_ptr<Executable> compile(const StepPlan& plan, const Bindings& bindings) override {
    ++compiled;
    return ForwardingBackend::compile(plan, bindings);
  }
};

TEST(Evaluator, CompilesOnceForAllItsLosses) {
  CountingBackend backend;
  const Dataset data = synthetic_digits(25);
  Model model(Network::autoencoder(784, {4}));
  initialize(model, {}, 1);
  Evaluator evaluator(backend, model, data, 10);
  const StepLoss first = evaluator.loss({});
  EXPECT_EQ(backend.compiled, 2) << "full batches, and the smaller last one";
  EXPECT_EQ(evaluator.loss({}).total(), first.total());
  EXPECT_EQ(backend.compiled, 2);

  initialize(model, {}, 2);
  evaluator.update(model);
  EXPECT_EQ(evaluator.loss({}).total(), Evaluator(backend, model, data, 10).loss({}).total());
  EXPECT_EQ(backend.compiled, 4) << "of the second evaluator";

  const Objective squared{.loss = Loss::squared};
  EXPECT_EQ(evaluator.loss(squared).reconstruction, 2 * evaluator.loss({}).reconstruction) << "of another loss";
  EXPECT_EQ(backend.compiled, 6);
}

TEST(Classification, CodesKeepLabelsAndNames) {
  const auto backend = make_backend("cpu", {.threads = 1});
  Model model(Network::autoencoder(2, {3}, Activation::identity, Activation::identity));
  const float weight[] = {1, 0, 0, 1, 1, 1};
  std::copy_n(weight, 6, model.data("encoder.0.weight"));
  const Dataset codes = encode_dataset(*backend, model, five().with_notes({{"none", "right", "up"}, {}}));
  EXPECT_EQ(codes.rows(), 5);
  EXPECT_EQ(codes.sample_shape(), Shape{3});
  float row[3];
  codes.copy_row(4, row);
  EXPECT_THAT(row, ElementsAre(0.9F, 1.0F, 1.9F));
  EXPECT_THAT(codes.labels(), ElementsAre(0, 1, 2, 2, 1));
  EXPECT_THAT(codes.class_names(), ElementsAre("none", "right", "up"));
}

}  // namespace
}  // namespace lacuna
