#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <limits>

#include "lacuna/model.h"
#include "lacuna/safetensors.h"
#include "unit/io_support.h"

namespace lacuna {
namespace {

using test::expect_error;
using test::put_bytes;
using test::TemporaryDirectory;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

Model deep_model() {
  Network network = Network::autoencoder(12, {7, 3}, Activation::relu, Activation::identity);
  network.encoder[1].activation = Activation::sigmoid;
  Model model(network);
  initialize(model, {}, 5);
  for (const Parameter& parameter : model.layout.parameters())
    if (parameter.shape.rank() == 1) model.data(parameter.name)[0] = static_cast<float>(parameter.offset);
  model.sample_shape = {3, 4};
  model.metadata = {{"rho", "0.1"}, {"loss", "half-squared"}};
  return model;
}

void expect_same(const Model& a, const Model& b) {
  ASSERT_EQ(a.network.encoder.size(), b.network.encoder.size());
  ASSERT_EQ(a.network.decoder.size(), b.network.decoder.size());
  for (std::size_t i = 0; i < a.network.encoder.size(); ++i)
    EXPECT_EQ(a.network.encoder[i].activation, b.network.encoder[i].activation) << i;
  for (std::size_t i = 0; i < a.network.decoder.size(); ++i)
    EXPECT_EQ(a.network.decoder[i].activation, b.network.decoder[i].activation) << i;
  EXPECT_EQ(a.sample_shape, b.sample_shape);
  EXPECT_EQ(a.metadata, b.metadata);
  ASSERT_EQ(a.parameters.size(), b.parameters.size());
  EXPECT_EQ(0, std::memcmp(a.parameters.data(), b.parameters.data(), a.parameters.size() * sizeof(float)));
}

/// A file's parts, to be changed before it is written.
struct Parts {
  std::map<std::string, std::vector<float>> values;
  std::map<std::string, Shape> shapes;
  std::map<std::string, std::string> metadata;

  void add(const std::string& name, const Shape& shape, float value = 0.5F) {
    values[name].assign(static_cast<std::size_t>(shape.elements()), value);
    shapes[name] = shape;
  }
  void remove(const std::string& name) {
    values.erase(name);
    shapes.erase(name);
  }
  void write(const std::string& path) const {
    std::vector<NamedTensor> tensors;
    for (const auto& [name, slab] : values) tensors.push_back({name, {slab.data(), DType::f32, shapes.at(name)}});
    write_safetensors(path, tensors, metadata);
  }
};

/// 6 -> 4 -> 2 -> 4 -> 6
Parts good_parts() {
  Parts parts;
  parts.add("encoder.0.weight", {4, 6});
  parts.add("encoder.0.bias", {4});
  parts.add("encoder.1.weight", {2, 4});
  parts.add("encoder.1.bias", {2});
  parts.add("decoder.0.weight", {4, 2});
  parts.add("decoder.0.bias", {4});
  parts.add("decoder.1.weight", {6, 4});
  parts.add("decoder.1.bias", {6});
  return parts;
}

template <class Change>
void expect_refused(const Change& change, std::initializer_list<std::string_view> fragments) {
  TemporaryDirectory directory;
  Parts parts = good_parts();
  change(parts);
  parts.write(directory / "m");
  expect_error<InputError>([&] { load_model(directory / "m"); }, fragments);
  expect_error<InputError>([&] { load_model(directory / "m"); }, {directory / "m"});
}

TEST(ModelFiles, RoundTripEverything) {
  TemporaryDirectory directory;
  const Model model = deep_model();
  save_model(directory / "m.safetensors", model);
  EXPECT_THAT(directory.entries(), ElementsAre("m.safetensors"));
  expect_same(load_model(directory / "m.safetensors"), model);
}

TEST(ModelFiles, HoldTheNamesShapesAndMetadataOfTheFormat) {
  TemporaryDirectory directory;
  save_model(directory / "m", deep_model());
  const SafetensorsFile file = SafetensorsFile::open(directory / "m");
  std::vector<std::string> tensors;
  for (const NamedTensor& tensor : file.tensors()) tensors.push_back(tensor.name + " " + to_string(tensor.view.shape));
  EXPECT_THAT(tensors, ElementsAre("encoder.0.weight [7, 12]", "encoder.0.bias [7]", "encoder.1.weight [3, 7]",
                                   "encoder.1.bias [3]", "decoder.0.weight [7, 3]", "decoder.0.bias [7]",
                                   "decoder.1.weight [12, 7]", "decoder.1.bias [12]"));
  const std::map<std::string, std::string> metadata{
      {"activation.encoder.0", "relu"}, {"activation.encoder.1", "sigmoid"},
      {"activation.decoder.0", "relu"}, {"activation.decoder.1", "identity"},
      {"sample_shape", "3,4"},          {"rho", "0.1"},
      {"loss", "half-squared"}};
  EXPECT_EQ(file.metadata(), metadata);
}

TEST(ModelFiles, ARunDirectoryMeansItsModel) {
  TemporaryDirectory directory;
  const Model model = deep_model();
  save_model(directory / "model.safetensors", model);
  expect_same(load_model(directory.path()), model);
  Model other = deep_model();
  std::ranges::fill(other.parameters, 0.0F);
  load_parameters(other, directory.path());
  expect_same(other, model);
  TemporaryDirectory empty;
  expect_error<InputError>([&] { load_model(empty.path()); }, {empty / "model.safetensors", "No such file"});
}

TEST(ModelFiles, WithoutMetadataLayersAreSigmoid) {
  TemporaryDirectory directory;
  good_parts().write(directory / "m");
  const Model model = load_model(directory / "m");
  ASSERT_EQ(model.network.encoder.size(), 2U);
  for (const auto* layers : {&model.network.encoder, &model.network.decoder})
    for (const Layer& layer : *layers) EXPECT_EQ(layer.activation, Activation::sigmoid);
  EXPECT_EQ(model.network.features(), 6);
  EXPECT_EQ(model.network.code_units(), 2);
  EXPECT_EQ(model.sample_shape, Shape{});
  EXPECT_THAT(model.metadata, IsEmpty());
  EXPECT_EQ(model.data("decoder.1.weight")[23], 0.5F);
}

TEST(ModelFiles, MoreThanTenLayersComeInOrder) {
  TemporaryDirectory directory;
  std::vector<std::int64_t> hidden;
  for (std::int64_t i = 0; i < 12; ++i) hidden.push_back(20 - i);
  Model model(Network::autoencoder(21, hidden));
  initialize(model, {}, 1);
  save_model(directory / "m", model);
  expect_same(load_model(directory / "m"), model);
}

TEST(ModelFiles, TheOptimizersTensorsAndStateAreIgnored) {
  TemporaryDirectory directory;
  Parts parts = good_parts();
  parts.add("optimizer.moment1.encoder.0.weight", {4, 6}, kNan);
  parts.metadata = {{"state.step", "3"}, {"seed", "1"}};
  parts.write(directory / "m");
  const Model model = load_model(directory / "m");
  EXPECT_EQ(model.layout.parameters().size(), 8U);
  EXPECT_EQ(model.metadata, (std::map<std::string, std::string>{{"seed", "1"}}));
}

TEST(ModelFiles, RefuseMissingTensorsAndGaps) {
  expect_refused([](Parts& p) { p.remove("encoder.0.weight"); }, {"\"encoder.0.weight\" is missing"});
  expect_refused([](Parts& p) { p.remove("encoder.1.bias"); }, {"\"encoder.1.bias\" is missing"});
  expect_refused([](Parts& p) { p.remove("decoder.1.weight"); }, {"\"decoder.1.weight\" is missing"});
  expect_refused(
      [](Parts& p) {
        p.remove("decoder.0.weight");
        p.remove("decoder.0.bias");
      },
      {"\"decoder.0.weight\" is missing", "decoder.1"});
  expect_refused(
      [](Parts& p) {
        p.add("encoder.9223372036854775807.weight", {2, 2});
      },
      {"\"encoder.2.weight\" is missing", "encoder.9223372036854775807"});
  expect_refused(
      [](Parts& p) {
        p.remove("encoder.1.weight");
        p.remove("encoder.1.bias");
      },
      {"\"decoder.0.weight\" has shape [4, 2]", "\"encoder.0.weight\"", "[4, 6]"});
  expect_refused(
      [](Parts& p) {
        for (const char* name : {"decoder.0.weight", "decoder.0.bias", "decoder.1.weight", "decoder.1.bias"})
          p.remove(name);
      },
      {"\"decoder.0.weight\" is missing", "not an autoencoder"});
  expect_refused([](Parts& p) { p = {}; },
                 {"\"encoder.0.weight\" is missing", "neither an autoencoder nor a classifier"});
}

TEST(ModelFiles, RefuseShapesThatDoNotFit) {
  expect_refused([](Parts& p) { p.add("encoder.0.weight", {4}); },
                 {"\"encoder.0.weight\" has shape [4]", "[outputs, inputs]"});
  expect_refused([](Parts& p) { p.add("encoder.0.weight", {4, 2, 3}); }, {"\"encoder.0.weight\" has shape [4, 2, 3]"});
  expect_refused([](Parts& p) { p.add("encoder.0.bias", {4, 1}); }, {"\"encoder.0.bias\" has shape [4, 1]"});
  expect_refused([](Parts& p) { p.add("encoder.0.bias", {5}); }, {"\"encoder.0.bias\" has shape [5]", "[4, 6]"});
  expect_refused([](Parts& p) { p.add("encoder.0.weight", {4, 0}); }, {"\"encoder.0.weight\" has shape [4, 0]"});
  expect_refused(
      [](Parts& p) {
        p.add("encoder.1.weight", {2, 5});
      },
      {"\"encoder.1.weight\" has shape [2, 5]", "\"encoder.0.weight\" of shape [4, 6]"});
  expect_refused(
      [](Parts& p) {
        p.add("decoder.0.weight", {4, 3});
      },
      {"\"decoder.0.weight\" has shape [4, 3]", "\"encoder.1.weight\" of shape [2, 4]"});
  expect_refused([](Parts& p) { p.add("encoder.0.weight", {4, 7}); }, {"[4, 7]", "[6, 4]"});
}

TEST(ModelFiles, RefuseForeignNames) {
  for (const char* name :
       {"threshold", "encoder.0.weights", "encoder.00.weight", "encoder.-1.weight", "encoder..weight",
        "encoder.1e1.weight", "encoder.0x1.bias", "encoder.99999999999999999999.bias", "encoder.", "encoder.0",
        "xencoder.0.weight", "classifier.weights"})
    expect_refused([&](Parts& p) { p.add(name, {1}); },
                   {std::string("\"") + name + "\" is not part of an autoencoder"});
  expect_refused([](Parts& p) { p.add("classifier.weight", {2, 3}); }, {"both a decoder and a classifier"});
}

TEST(ModelFiles, RefuseParametersThatAreNotFinite) {
  expect_refused([](Parts& p) { p.values["encoder.1.weight"][5] = kNan; },
                 {"\"encoder.1.weight\" of shape [2, 4]", "element 5 is nan"});
  expect_refused([](Parts& p) { p.values["decoder.0.bias"][3] = -kInfinity; },
                 {"\"decoder.0.bias\" of shape [4]", "element 3 is -inf"});
}

TEST(ModelFiles, RefuseOtherElementTypes) {
  TemporaryDirectory directory;
  const std::vector<double> weight(24);
  const std::vector<float> bias(4);
  for (const DType type : {DType::f64, DType::f16, DType::bf16}) {
    write_safetensors(directory / "m", {{"encoder.0.weight", {weight.data(), type, {4, 6}}},
                                        {"encoder.0.bias", {bias.data(), DType::f32, {4}}}});
    expect_error<InputError>([&] { load_model(directory / "m"); },
                             {directory / "m", fmt::format("\"encoder.0.weight\" is {}", to_string(type)), "float32"});
  }
  const std::string header = R"({"encoder.0.weight":{"dtype":"I16","shape":[1,1],"data_offsets":[0,2]}})";
  put_bytes(directory / "short", test::raw(std::uint64_t{header.size()}) + header + "xy");
  expect_error<InputError>([&] { load_model(directory / "short"); }, {"\"encoder.0.weight\" is I16", "F32"});
}

TEST(ModelFiles, RefuseMetadataThatDoNotFit) {
  const auto with = [](const char* key, const char* value) {
    return [key, value](Parts& p) { p.metadata[key] = value; };
  };
  expect_refused(with("activation.encoder.0", "sigmoida"), {"\"activation.encoder.0\"", "sigmoida", "sigmoid"});
  expect_refused(with("activation.encoder.2", "relu"), {"\"activation.encoder.2\"", "does not hold"});
  expect_refused(with("activation.", "relu"), {"\"activation.\""});
  for (const char* shape : {"", ",", "2", "2,4", "0,6", "-2,-3", "2,3,", "2;3", "2, 3", "6.0", "x", "1,1,1,1,1,1,1,2,3",
                            "4611686018427387904,4", "99999999999999999999"})
    expect_refused(with("sample_shape", shape), {"\"sample_shape\"", std::string("\"") + shape + "\""});
}

TEST(ModelFiles, AModelThatIsNotFiniteDoesNotReplaceAGoodFile) {
  TemporaryDirectory directory;
  Model model = deep_model();
  save_model(directory / "m", model);
  const std::string before = test::get_bytes(directory / "m");
  model.data("decoder.1.bias")[4] = kInfinity;
  expect_error<Error>([&] { save_model(directory / "m", model); },
                      {directory / "m", "element 4 of decoder.1.bias is inf", "diverged"});
  EXPECT_EQ(test::get_bytes(directory / "m"), before);
  expect_error<Error>([&] { save_model("/dev/full", deep_model()); }, {"/dev/full", "No space left"});
}

TEST(LoadParameters, CopiesParametersAndNothingElse) {
  TemporaryDirectory directory;
  Parts parts = good_parts();
  parts.metadata = {{"rho", "0.5"}, {"sample_shape", "2,3"}};
  parts.write(directory / "m");
  Model model(Network::autoencoder(6, {4, 2}, Activation::relu));
  model.metadata = {{"rho", "0.1"}};
  load_parameters(model, directory / "m");
  EXPECT_EQ(model.data("encoder.1.weight")[7], 0.5F);
  EXPECT_EQ(model.network.encoder[0].activation, Activation::relu);
  EXPECT_EQ(model.metadata.at("rho"), "0.1");
  EXPECT_EQ(model.sample_shape, Shape{});
}

TEST(LoadParameters, NamesBothShapes) {
  TemporaryDirectory directory;
  const std::string path = directory / "m";
  good_parts().write(path);
  const auto load_into = [&](const std::vector<std::int64_t>& hidden, std::int64_t features = 6) {
    return [&path, hidden, features] {
      Model model(Network::autoencoder(features, hidden));
      load_parameters(model, path);
    };
  };
  expect_error<InputError>(load_into({5, 2}), {path, "\"encoder.0.weight\" has shape [4, 6]", "needs [5, 6]"});
  expect_error<InputError>(load_into({4, 3}), {path, "\"encoder.1.weight\" has shape [2, 4]", "needs [3, 4]"});
  expect_error<InputError>(load_into({4, 2}, 7), {path, "\"encoder.0.weight\" has shape [4, 6]", "needs [4, 7]"});
  expect_error<InputError>(load_into({4, 2, 2}), {path, "\"encoder.2.weight\" is missing", "[2, 2]"});
  Model shallow(Network::autoencoder(6, {4}));
  const std::vector<float> before = shallow.parameters;
  expect_error<InputError>([&] { load_parameters(shallow, path); }, {path, "\"decoder.0.weight\"", "[4, 2]", "[6, 4]"});
  EXPECT_EQ(shallow.parameters, before);

  Parts narrow;
  for (const char* name : {"encoder.0", "encoder.1", "decoder.0", "decoder.1"}) {
    narrow.add(std::string(name) + ".weight", {4, 4});
    narrow.add(std::string(name) + ".bias", {4});
  }
  narrow.write(path);
  expect_error<InputError>(load_into({4}, 4), {path, "\"encoder.1.weight\" of shape [4, 4]", "no place"});
}

}  // namespace
}  // namespace lacuna
