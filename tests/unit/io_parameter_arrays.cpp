#include <gmock/gmock.h>

#include <limits>

#include "io/atomic_directory.h"
#include "io_support.h"
#include "lacuna/npy.h"
#include "lacuna/parameter_arrays.h"

namespace lacuna {
namespace {

using test::expect_error;
using test::put_bytes;
using test::TemporaryDirectory;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// 3-2-3, its parameters 1, 2, 3, ... in the order of their names in the layout.
Model counted_model() {
  Model model(Network::autoencoder(3, {2}));
  float next = 0;
  for (const Parameter& parameter : model.layout.parameters())
    for (std::int64_t i = 0; i < parameter.elements(); ++i) model.data(parameter.name)[i] = ++next;
  return model;
}

std::vector<float> values(const std::string& path) {
  const NpyArray array = read_npy(path);
  EXPECT_EQ(array.view.dtype, DType::f32);
  const auto* from = static_cast<const float*>(array.view.data);
  return {from, from + array.view.shape.elements()};
}

TEST(ParameterArrays, OneFileForEachParameter) {
  const TemporaryDirectory scratch;
  const auto files = save_parameter_arrays(scratch / "arrays/", counted_model());
  EXPECT_EQ(files.size(), 4U);
  EXPECT_EQ(files.front(), scratch / "arrays/encoder.0.weight.npy");
  EXPECT_EQ(read_npy(files.front()).view.shape, (Shape{2, 3}));
  EXPECT_THAT(values(scratch / "arrays/encoder.0.weight.npy"), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(values(scratch / "arrays/encoder.0.bias.npy"), ElementsAre(7, 8));
  EXPECT_THAT(values(scratch / "arrays/decoder.0.bias.npy"), ElementsAre(15, 16, 17));
  EXPECT_THAT(scratch.entries(), ElementsAre("arrays"));
}

TEST(ParameterArrays, TheBiasAsRowZero) {
  const TemporaryDirectory scratch;
  const auto files = save_parameter_arrays(scratch / "arrays", counted_model(), true);
  EXPECT_THAT(files, ElementsAre(scratch / "arrays/encoder.0.npy", scratch / "arrays/decoder.0.npy"));
  EXPECT_EQ(read_npy(files[0]).view.shape, (Shape{4, 2}));
  EXPECT_THAT(values(files[0]), ElementsAre(7, 8, 1, 4, 2, 5, 3, 6));
  EXPECT_EQ(read_npy(files[1]).view.shape, (Shape{3, 3}));
}

TEST(ParameterArrays, BothFormsAndAMixtureAreReadBack) {
  const TemporaryDirectory scratch;
  const Model model = counted_model();
  save_parameter_arrays(scratch / "plain", model);
  save_parameter_arrays(scratch / "rows", model, true);
  for (const char* form : {"plain", "rows", "mixed"}) {
    if (form == std::string_view("mixed")) {
      std::filesystem::remove(scratch / "plain/decoder.0.weight.npy");
      std::filesystem::remove(scratch / "plain/decoder.0.bias.npy");
      std::filesystem::copy_file(scratch / "rows/decoder.0.npy", scratch / "plain/decoder.0.npy");
    }
    Model loaded(model.network);
    load_parameters(loaded, scratch / (form == std::string_view("mixed") ? "plain" : form));
    EXPECT_EQ(loaded.parameters, model.parameters) << form;
  }
}

TEST(ParameterArrays, DoublesAreRounded) {
  const TemporaryDirectory scratch;
  Model model = counted_model();
  save_parameter_arrays(scratch / "arrays", model);
  const double bias[] = {0.1, -1e-3};
  write_npy(scratch / "arrays/encoder.0.bias.npy", {bias, DType::f64, {2}});
  load_parameter_arrays(model, scratch / "arrays");
  EXPECT_EQ(model.data("encoder.0.bias")[0], 0.1f);
  EXPECT_EQ(model.data("encoder.0.bias")[1], -1e-3f);
}

class BadArrays : public ::testing::Test {
 protected:
  void SetUp() override { save_parameter_arrays(scratch_ / "a", model_); }

  void expect_refused(std::initializer_list<std::string_view> parts) {
    const std::vector<float> before = model_.parameters;
    expect_error<InputError>([&] { load_parameters(model_, scratch_ / "a"); }, parts);
    EXPECT_EQ(model_.parameters, before);
  }

  TemporaryDirectory scratch_;
  Model model_ = counted_model();
};

TEST_F(BadArrays, OtherShapesAreBothNamed) {
  model_ = Model(Network::autoencoder(3, {5}));
  expect_refused({"a/encoder.0.weight.npy has shape [2, 3]", "needs [5, 3]"});
  std::filesystem::remove_all(scratch_ / "a");
  save_parameter_arrays(scratch_ / "a", counted_model(), true);
  expect_refused({"a/encoder.0.npy has shape [4, 2]", "needs [4, 5]"});
}

TEST_F(BadArrays, MissingAndLeftOver) {
  model_ = Model(Network::autoencoder(3, {2, 2}));
  expect_refused({"a/encoder.1.weight.npy is missing", "[2, 2]"});
  model_ = counted_model();
  std::filesystem::copy_file(scratch_ / "a/encoder.0.bias.npy", scratch_ / "a/extra.npy");
  expect_refused({"a/extra.npy has no place"});
}

TEST_F(BadArrays, GivenTwice) {
  save_parameter_arrays(scratch_ / "b", model_, true);
  std::filesystem::copy_file(scratch_ / "b/encoder.0.npy", scratch_ / "a/encoder.0.npy");
  expect_refused({"a/encoder.0.npy", "a/encoder.0.weight.npy", "both"});
}

TEST_F(BadArrays, TypesAndValues) {
  const std::uint8_t bytes[2] = {};
  write_npy(scratch_ / "a/encoder.0.bias.npy", {bytes, DType::u8, {2}});
  expect_refused({"a/encoder.0.bias.npy holds uint8"});
  const double huge[] = {0, 1e300};
  write_npy(scratch_ / "a/encoder.0.bias.npy", {huge, DType::f64, {2}});
  expect_refused({"a/encoder.0.bias.npy: element 1 is inf"});
  put_bytes(scratch_ / "a/encoder.0.bias.npy", "nonsense");
  expect_refused({"a/encoder.0.bias.npy", "not an NPY file"});
}

TEST_F(BadArrays, AnEmptyDirectory) {
  std::filesystem::remove_all(scratch_ / "a");
  std::filesystem::create_directory(scratch_ / "a");
  expect_refused({"neither a model.safetensors nor arrays"});
}

TEST_F(BadArrays, PlacesThatAreTaken) {
  expect_error<InputError>([&] { save_parameter_arrays(scratch_ / "a", model_); }, {"/a exists"});
  expect_error<InputError>([&] { save_parameter_arrays(scratch_ / "none/a", model_); }, {"none/a", "No such file"});
  expect_error<InputError>([&] { save_parameter_arrays("", model_); }, {"empty"});
  std::filesystem::create_directory(scratch_ / "empty");
  save_parameter_arrays(scratch_ / "empty", model_);
  EXPECT_THAT(scratch_.entries(), ElementsAre("a", "empty"));
}

TEST(AtomicDirectory, NothingIsLeftWithoutCommit) {
  const TemporaryDirectory scratch;
  {
    const io::AtomicDirectory directory(scratch / "d");
    put_bytes(directory.file("f"), "x");
    EXPECT_EQ(scratch.entries().size(), 1U);
    EXPECT_FALSE(std::filesystem::exists(scratch / "d"));
  }
  EXPECT_THAT(scratch.entries(), IsEmpty());
}

TEST(AtomicDirectory, APlaceTakenMeanwhileIsAnErrorAndStaysAsItIs) {
  const TemporaryDirectory scratch;
  {
    io::AtomicDirectory directory(scratch / "d");
    std::filesystem::create_directory(scratch / "d");
    put_bytes(scratch / "d/mine", "x");
    expect_error<Error>([&] { directory.commit(); }, {"/d", "not empty"});
  }
  EXPECT_THAT(scratch.entries(), ElementsAre("d"));
  EXPECT_TRUE(std::filesystem::exists(scratch / "d/mine"));
}

}  // namespace
}  // namespace lacuna
