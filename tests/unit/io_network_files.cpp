#include <cmath>

#include "lacuna/model.h"
#include "lacuna/npy.h"
#include "lacuna/parameter_arrays.h"
#include "lacuna/safetensors.h"
#include "lacuna/trainer.h"
#include "unit/io_support.h"

// Files of networks that are more than dense layers one after another.

namespace lacuna {
namespace {

using test::expect_error;
using test::TemporaryDirectory;
using ::testing::HasSubstr;

/// Every parameter has another value.
Model counted(const Network& network) {
  Model model(network);
  float next = 0;
  for (const Parameter& parameter : model.layout.parameters())
    for (std::int64_t i = 0; parameter.alias_of.empty() && i < parameter.elements(); ++i)
      model.data(parameter.name)[i] = (next += 0.25F);
  return model;
}

Network convolutional() {
  return Network::convolutional({{1, 6, 4, 2, 3, 2, 1}, {2, 3, 2, 3, 2}}, Activation::relu, Activation::sigmoid);
}
Network k_sparse() {
  Network network = Network::autoencoder(4, {6}, Activation::identity, Activation::identity);
  network.encoder[0].kept = 2;
  network.encoder[0].kept_in_evaluation = 5;
  return network;
}
Network tied() {
  Network network = Network::autoencoder(5, {4, 3});
  network.tied = true;
  return network;
}
Network classifier() {
  return Network::classifying(Network::autoencoder(5, {4, 3}).encoder, 5, 2);
}

void expect_same_layers(const std::vector<Layer>& a, const std::vector<Layer>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].inputs, b[i].inputs);
    EXPECT_EQ(a[i].outputs, b[i].outputs);
    EXPECT_EQ(a[i].activation, b[i].activation);
    EXPECT_EQ(a[i].convolution, b[i].convolution);
    EXPECT_EQ(a[i].kept, b[i].kept);
    EXPECT_EQ(a[i].kept_in_evaluation, b[i].kept_in_evaluation);
  }
}

void expect_same(const Model& a, const Model& b) {
  expect_same_layers(a.network.encoder, b.network.encoder);
  expect_same_layers(a.network.decoder, b.network.decoder);
  EXPECT_EQ(a.network.tied, b.network.tied);
  EXPECT_EQ(a.network.classes(), b.network.classes());
  EXPECT_EQ(a.parameters, b.parameters);
  EXPECT_EQ(a.metadata, b.metadata);
}

/// A file with some metadata changed or, with an empty value, left out.
void rewrite(const std::string& from, const std::string& to, const std::map<std::string, std::string>& changes) {
  const SafetensorsFile file = SafetensorsFile::open(from);
  auto metadata = file.metadata();
  for (const auto& [key, value] : changes) {
    metadata.erase(key);
    if (!value.empty()) metadata[key] = value;
  }
  write_safetensors(to, file.tensors(), metadata);
}

class NetworkFiles : public ::testing::Test {
 protected:
  void save(const Network& network) { save_model(directory_ / "m", counted(network)); }
  void expect_refused(const std::map<std::string, std::string>& changes,
                      std::initializer_list<std::string_view> parts) {
    rewrite(directory_ / "m", directory_ / "lie", changes);
    expect_error<InputError>([&] { load_model(directory_ / "lie"); }, parts);
  }
  TemporaryDirectory directory_;
};

TEST_F(NetworkFiles, RoundTripOfEveryKind) {
  for (const Network& network : {convolutional(), k_sparse(), tied(), classifier(), Network::classifying({}, 7, 3),
                                 Network::classifying(convolutional().encoder, 24, 3)}) {
    Model model = counted(network);
    model.metadata = {{"train.lr", "0.5"}};
    save_model(directory_ / "m", model);
    expect_same(load_model(directory_ / "m"), model);
    Model other(network);
    load_parameters(other, directory_ / "m");
    EXPECT_EQ(other.parameters, model.parameters);
  }
}

TEST_F(NetworkFiles, HoldWhatTheFormatSays) {
  save(convolutional());
  const auto metadata = SafetensorsFile::open(directory_ / "m").metadata();
  EXPECT_EQ(metadata.at("convolution.encoder.0"), "1,6,4,2,3,2,1,0,0");
  EXPECT_EQ(metadata.at("convolution.decoder.1"), "2,3,2,1,3,2,1,1,1");
  save(k_sparse());
  EXPECT_EQ(SafetensorsFile::open(directory_ / "m").metadata().at("kept.encoder.0"), "2,5");
}

TEST_F(NetworkFiles, ATiedWeightIsThereTwiceAsPyTorchHasIt) {
  save(tied());
  const SafetensorsFile file = SafetensorsFile::open(directory_ / "m");
  EXPECT_EQ(file.metadata().at("tied"), "true");
  const NamedTensor *encoder = file.find("encoder.0.weight"), *decoder = file.find("decoder.1.weight");
  ASSERT_EQ(encoder->view.shape, (Shape{4, 5}));
  ASSERT_EQ(decoder->view.shape, (Shape{5, 4}));
  const auto *w = static_cast<const float*>(encoder->view.data), *t = static_cast<const float*>(decoder->view.data);
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 5; ++j) EXPECT_EQ(w[i * 5 + j], t[j * 4 + i]);
}

TEST_F(NetworkFiles, LiesAboutConvolutionsAreRefused) {
  save(convolutional());
  const std::string key = "convolution.encoder.0";
  for (const char* text : {"1,6,4,2,3,2", "1,6,4,2,3,2,1,0,0,0", "1,6,4,2,3,2,1,0,x", "1,6,4,2,3,2,1,0,-1", ",",
                           "1,6,4,2,3,2,1,0,0,", "99999999999999999999,6,4,2,3,2,1,0,0"})
    expect_refused({{key, text}}, {"\"" + key + "\"", text, "9 whole numbers"});
  expect_refused({{key, "1,6,4,2,9,2,1,0,0"}}, {key, "no convolution"});
  expect_refused({{key, "1,6,4,2,3,0,1,0,0"}}, {key, "no convolution"});
  expect_refused({{key, "1,6,4,2,3,2,2000000,0,0"}}, {key, "no convolution"});
  expect_refused({{key, "1048576,1048576,1048576,1,1,1,0,0,0"}}, {key, "[1048576, 1048576, 1048576]", "2^31"});
  expect_refused({{key, "1,1048576,1048576,1048576,1,1048576,0,1,0"}}, {key, "[1, 1048576, 1048576]", "2^31"});
  expect_refused({{key, "1,6,4,2,2,2,1,0,0"}}, {"encoder.0.weight", "[2, 1, 3, 3]", "[2, 1, 2, 2]"});
  expect_refused({{key, "1,6,4,4,3,2,1,0,0"}}, {"encoder.0.weight", "[2, 1, 3, 3]", "[4, 1, 3, 3]"});
  expect_refused({{key, "1,6,3,2,3,2,1,0,0"}}, {"a reconstruction must be as long as a sample"});
  expect_refused({{key, "1,8,4,2,3,2,1,0,0"}}, {"encoder.1.weight", "does not follow"});
  expect_refused({{key, ""}}, {"encoder.0.weight", "[2, 1, 3, 3]", "[outputs, inputs]"});
  expect_refused({{"convolution.encoder.5", "1,6,4,2,3,2,1,0,0"}}, {"convolution.encoder.5", "does not hold"});
  expect_refused({{"sample_shape", "6,6"}}, {"sample_shape", "24 values"});
}

TEST_F(NetworkFiles, LiesAboutUnitsKeptAreRefused) {
  save(k_sparse());
  expect_refused({{"kept.encoder.0", "2"}}, {"kept.encoder.0", "2 whole numbers"});
  expect_refused({{"kept.encoder.0", "7,7"}}, {"k is 7", "6 units"});
  expect_refused({{"kept.encoder.0", "0,3"}}, {"k is 0", "6 units"});
  expect_refused({{"kept.decoder.0", "1,1"}}, {"decoder.0", "only the code layer"});
  expect_refused({{"kept.encoder.1", "1,1"}}, {"kept.encoder.1", "does not hold"});
}

TEST_F(NetworkFiles, LiesAboutTiedWeightsAreRefused) {
  save(Network::autoencoder(5, {4, 3}));
  expect_refused({{"tied", "true"}}, {"decoder.0.weight", "tied", "not the transpose", "encoder.1.weight"});
  save(convolutional());
  expect_refused({{"tied", "true"}}, {"dense layers"});
  save(tied());
  Model separate(Network::autoencoder(5, {4, 3}));
  expect_error<InputError>([&] { load_parameters(separate, directory_ / "m"); }, {"are tied", "not tied"});
}

TEST_F(NetworkFiles, AClassifierThatDoesNotFollowOnIsRefusedWithBothShapes) {
  const std::vector<float> values(64, 0.5F);
  const auto tensor = [&](const char* name, const Shape& shape) {
    return NamedTensor{name, {values.data(), DType::f32, shape}};
  };
  const auto refused = [&](const std::vector<NamedTensor>& tensors, std::initializer_list<std::string_view> parts) {
    write_safetensors(directory_ / "m", tensors, {});
    expect_error<InputError>([&] { load_model(directory_ / "m"); }, parts);
  };
  refused({tensor("encoder.0.weight", {3, 4}), tensor("encoder.0.bias", {3}), tensor("classifier.weight", {2, 4}),
           tensor("classifier.bias", {2})},
          {"\"classifier.weight\" has shape [2, 4]", "encoder.0.weight", "[3, 4]"});
  refused({tensor("classifier.weight", {2, 4})}, {"\"classifier.bias\" is missing"});
  refused({tensor("classifier.weight", {1, 4}), tensor("classifier.bias", {1})}, {"at least two classes"});
  refused({tensor("encoder.0.weight", {3, 4}), tensor("encoder.0.bias", {3}), tensor("decoder.0.weight", {4, 3}),
           tensor("decoder.0.bias", {4}), tensor("classifier.weight", {2, 3}), tensor("classifier.bias", {2})},
          {"both a decoder and a classifier"});
}

TEST_F(NetworkFiles, ParametersOfOtherNetworksAreRefusedWithBothShapes) {
  save(convolutional());
  Model wider(Network::convolutional({{1, 6, 4, 4, 3, 2, 1}, {4, 3, 2, 3, 2}}, Activation::relu, Activation::sigmoid));
  expect_error<InputError>([&] { load_parameters(wider, directory_ / "m"); },
                           {"encoder.0.weight", "[2, 1, 3, 3]", "[4, 1, 3, 3]"});
  Model dense(Network::autoencoder(24, {12}));
  expect_error<InputError>([&] { load_parameters(dense, directory_ / "m"); },
                           {"encoder.0.weight", "[2, 1, 3, 3]", "[12, 24]"});
}

TEST_F(NetworkFiles, ArraysOfATiedNetworkAreWrittenAsFilesHoldThem) {
  const Model model = counted(tied());
  save_parameter_arrays(directory_ / "arrays", model);
  const NpyArray w = read_npy(directory_ / "arrays/encoder.1.weight.npy");
  const NpyArray t = read_npy(directory_ / "arrays/decoder.0.weight.npy");
  ASSERT_EQ(w.view.shape, (Shape{3, 4}));
  ASSERT_EQ(t.view.shape, (Shape{4, 3}));
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 4; ++j)
      EXPECT_EQ(static_cast<const float*>(w.view.data)[i * 4 + j], static_cast<const float*>(t.view.data)[j * 3 + i]);
  Model again(tied());
  load_parameters(again, directory_ / "arrays");
  EXPECT_EQ(again.parameters, model.parameters);
  save_parameter_arrays(directory_ / "rows", model, true);
  Model rows(tied());
  load_parameters(rows, directory_ / "rows");
  EXPECT_EQ(rows.parameters, model.parameters);

  std::vector<float> other(12, 1.0F);
  write_npy(directory_ / "arrays/decoder.0.weight.npy", {other.data(), DType::f32, {4, 3}});
  expect_error<InputError>([&] { load_parameters(again, directory_ / "arrays"); },
                           {"decoder.0.weight.npy", "tied to encoder.1.weight"});
  EXPECT_EQ(again.parameters, model.parameters);
}

TEST_F(NetworkFiles, ArraysOfConvolutionsHaveFourAxesAndNoBiasRow) {
  const Model model = counted(convolutional());
  save_parameter_arrays(directory_ / "arrays", model);
  EXPECT_EQ(read_npy(directory_ / "arrays/encoder.1.weight.npy").view.shape, (Shape{3, 2, 2, 2}));
  Model again(convolutional());
  load_parameters(again, directory_ / "arrays");
  EXPECT_EQ(again.parameters, model.parameters);
  expect_error<InputError>([&] { save_parameter_arrays(directory_ / "rows", model, true); },
                           {"dense layers", "encoder.0.weight", "[2, 1, 3, 3]"});
  EXPECT_FALSE(directory_.entries().contains("rows"));
}

TEST_F(NetworkFiles, CheckpointsOfEveryKindComeBack) {
  for (const Network& network : {convolutional(), k_sparse(), tied(), classifier()}) {
    TrainingState state;
    state.model = counted(network);
    state.moments = {state.model.parameters, state.model.parameters};
    state.position = {7, 2, 10};
    state.epoch_means.correct = 0.75;
    save_checkpoint(directory_ / "c", state);
    const TrainingState back = load_checkpoint(directory_ / "c");
    expect_same(back.model, state.model);
    EXPECT_EQ(back.moments, state.moments);
    EXPECT_EQ(back.epoch_means.correct, 0.75);
  }
}

}  // namespace
}  // namespace lacuna
