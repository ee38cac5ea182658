#include <cmath>
#include <cstdint>
#include <limits>

#include "lacuna/safetensors.h"
#include "lacuna/trainer.h"
#include "unit/io_support.h"

namespace lacuna {
namespace {

using test::expect_error;
using test::TemporaryDirectory;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TrainingState make_state(int moments) {
  TrainingState state;
  state.model = Model(Network::autoencoder(9, {5}, Activation::sigmoid, Activation::identity));
  initialize(state.model, {}, 3);
  state.model.sample_shape = {3, 3};
  state.model.metadata = {{"seed", "3"}};
  for (int m = 0; m < moments; ++m) {
    auto& slab = state.moments.emplace_back(state.model.parameters.size(), 0.0F);
    for (const Parameter& parameter : state.model.layout.parameters())
      for (std::int64_t i = 0; i < parameter.elements(); ++i)
        slab[static_cast<std::size_t>(parameter.offset + i)] = std::sin(static_cast<float>(parameter.offset + i + m));
  }
  state.position = {123'456'789'012'345, 7, 4100};
  state.epoch_means.samples = 4100;
  state.epoch_means.reconstruction = 0.1 + 0.2;
  state.epoch_means.sparsity = 1.0 / 3.0;
  state.epoch_means.weight_decay = std::numeric_limits<double>::denorm_min();
  state.epoch_means.mean_activation = -0x1.fffffffffffffp+1023;
  return state;
}

bool same_bits(double a, double b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

void expect_same(const TrainingState& a, const TrainingState& b) {
  EXPECT_EQ(a.model.parameters, b.model.parameters);
  EXPECT_EQ(a.model.metadata, b.model.metadata);
  EXPECT_EQ(a.model.sample_shape, b.model.sample_shape);
  EXPECT_EQ(a.model.network.output_layer().activation, b.model.network.output_layer().activation);
  EXPECT_EQ(a.moments, b.moments);
  EXPECT_EQ(a.position.step, b.position.step);
  EXPECT_EQ(a.position.epoch, b.position.epoch);
  EXPECT_EQ(a.position.position, b.position.position);
  EXPECT_TRUE(same_bits(a.epoch_means.samples, b.epoch_means.samples));
  EXPECT_TRUE(same_bits(a.epoch_means.reconstruction, b.epoch_means.reconstruction));
  EXPECT_TRUE(same_bits(a.epoch_means.sparsity, b.epoch_means.sparsity));
  EXPECT_TRUE(same_bits(a.epoch_means.weight_decay, b.epoch_means.weight_decay));
  EXPECT_TRUE(same_bits(a.epoch_means.mean_activation, b.epoch_means.mean_activation));
}

/// Saves a good checkpoint, rewrites it with `change(tensors, metadata)` applied, and loads it.
template <class Change>
void expect_refused(const Change& change, std::initializer_list<std::string_view> fragments) {
  TemporaryDirectory directory;
  save_checkpoint(directory / "good", make_state(2));
  const SafetensorsFile file = SafetensorsFile::open(directory / "good");
  std::vector<NamedTensor> tensors = file.tensors();
  std::map<std::string, std::string> metadata = file.metadata();
  change(tensors, metadata);
  write_safetensors(directory / "bad", tensors, metadata);
  expect_error<InputError>([&] { load_checkpoint(directory / "bad"); }, fragments);
  expect_error<InputError>([&] { load_checkpoint(directory / "bad"); }, {directory / "bad"});
}

using Tensors = std::vector<NamedTensor>;
using Metadata = std::map<std::string, std::string>;

NamedTensor& named(Tensors& tensors, std::string_view name) {
  for (NamedTensor& tensor : tensors)
    if (tensor.name == name) return tensor;
  throw Error("no such tensor");
}

TEST(Checkpoints, RoundTripToTheBit) {
  TemporaryDirectory directory;
  for (int moments : {0, 1, 2}) {
    const TrainingState state = make_state(moments);
    save_checkpoint(directory / "c", state);
    expect_same(load_checkpoint(directory / "c"), state);
  }
  EXPECT_THAT(directory.entries(), ElementsAre("c"));
}

TEST(Checkpoints, AFreshStateRoundTrips) {
  TemporaryDirectory directory;
  TrainingState state;
  state.model = Model(Network::autoencoder(4, {2}));
  save_checkpoint(directory / "c", state);
  expect_same(load_checkpoint(directory / "c"), state);
}

TEST(Checkpoints, NameTheMomentsAfterTheParameters) {
  TemporaryDirectory directory;
  const TrainingState state = make_state(2);
  save_checkpoint(directory / "c", state);
  const SafetensorsFile file = SafetensorsFile::open(directory / "c");
  EXPECT_EQ(file.tensors().size(), 12U);
  const NamedTensor* moment = file.find("optimizer.moment2.decoder.0.weight");
  ASSERT_NE(moment, nullptr);
  EXPECT_EQ(moment->view.shape, (Shape{9, 5}));
  const auto offset = static_cast<std::size_t>(state.model.layout["decoder.0.weight"].offset);
  EXPECT_EQ(static_cast<const float*>(moment->view.data)[44], state.moments[1][offset + 44]);
}

TEST(Checkpoints, AreModelsToo) {
  TemporaryDirectory directory;
  const TrainingState state = make_state(2);
  save_checkpoint(directory / "c", state);
  const Model model = load_model(directory / "c");
  EXPECT_EQ(model.parameters, state.model.parameters);
  EXPECT_EQ(model.metadata, state.model.metadata);
}

TEST(Checkpoints, AModelIsNotACheckpoint) {
  TemporaryDirectory directory;
  save_model(directory / "m", make_state(0).model);
  expect_error<InputError>([&] { load_checkpoint(directory / "m"); }, {directory / "m", "not a checkpoint", "--init"});
  expect_error<InputError>([&] { load_checkpoint(directory / "none"); }, {directory / "none", "No such file"});
}

TEST(Checkpoints, RefuseEachNumberLiedAbout) {
  for (const char* key : {"state.moments", "state.step", "state.epoch", "state.position", "state.means.samples",
                          "state.means.reconstruction", "state.means.sparsity", "state.means.weight_decay",
                          "state.means.mean_activation"}) {
    SCOPED_TRACE(key);
    const std::string quoted = std::string("\"") + key + "\"";
    expect_refused([&](Tensors&, Metadata& m) { m.erase(key); }, {"not a checkpoint", quoted});
    for (const char* value : {"", " 1", "1 ", "+1", "x", "nan", "inf", "99999999999999999999999e999"})
      expect_refused([&](Tensors&, Metadata& m) { m[key] = value; }, {quoted, "not a number"});
  }
  for (const char* key : {"state.step", "state.epoch", "state.position", "state.moments"}) {
    expect_refused([&](Tensors&, Metadata& m) { m[key] = "1.5"; }, {key, "\"1.5\", not a number"});
    expect_refused([&](Tensors&, Metadata& m) { m[key] = "9223372036854775808"; }, {key, "not a number"});
    expect_refused([&](Tensors&, Metadata& m) { m[key] = "-1"; }, {key, "is -1", "negative"});
  }
  expect_refused([&](Tensors&, Metadata& m) { m["state.means.samples"] = "-1"; }, {"state.means.samples", "negative"});
}

TEST(Checkpoints, RefuseMomentsThatDoNotFit) {
  const std::string name = "optimizer.moment1.encoder.0.bias";
  expect_refused([&](Tensors& t, Metadata&) { named(t, name).name = "optimizer.x"; }, {"\"" + name + "\" is missing"});
  expect_refused([&](Tensors& t, Metadata&) { std::erase_if(t, [&](const auto& e) { return e.name == name; }); },
                 {"7 optimizer tensors", "2 moments of 4 parameters"});
  for (const char* count : {"0", "1", "3", "9223372036854775807"})
    expect_refused([&](Tensors&, Metadata& m) { m["state.moments"] = count; },
                   {"8 optimizer tensors", std::string(count) + " moments"});
  expect_refused(
      [&](Tensors& t, Metadata&) {
        ConstTensorView& view = named(t, name).view;
        view = ConstTensorView(view.data, DType::f32, {5, 1});
      },
      {"\"" + name + "\" is float32 of shape [5, 1]", "shape [5]"});
  expect_refused(
      [&](Tensors& t, Metadata&) {
        ConstTensorView& view = named(t, name).view;
        view = ConstTensorView(view.data, DType::i32, {5});
      },
      {"\"" + name + "\" is int32"});
  const std::vector<float> bad{0, 0, std::nanf(""), 0, 0};
  expect_refused([&](Tensors& t, Metadata&) { named(t, name).view = ConstTensorView(bad.data(), DType::f32, {5}); },
                 {"\"" + name + "\" of shape [5]", "element 2 is NaN"});
  expect_refused(
      [&](Tensors& t, Metadata&) { named(t, "encoder.0.bias").view = ConstTensorView(bad.data(), DType::f32, {5}); },
      {"\"encoder.0.bias\" of shape [5]", "element 2 is nan"});
}

TEST(Checkpoints, AStateThatDivergedDoesNotReplaceAGoodOne) {
  TemporaryDirectory directory;
  save_checkpoint(directory / "c", make_state(1));
  const std::string before = test::get_bytes(directory / "c");
  const auto refused = [&](auto change, std::initializer_list<std::string_view> fragments) {
    TrainingState state = make_state(1);
    change(state);
    expect_error<Error>([&] { save_checkpoint(directory / "c", state); }, fragments);
  };
  refused([](TrainingState& s) { s.model.data("encoder.0.bias")[1] = std::nanf(""); },
          {directory / "c", "element 1 of encoder.0.bias is nan"});
  refused([](TrainingState& s) { s.moments[0][2] = std::nanf(""); },
          {directory / "c", "element 2 of optimizer.moment1.encoder.0.weight is NaN"});
  refused([](TrainingState& s) { s.epoch_means.sparsity = HUGE_VAL; },
          {directory / "c", "state.means.sparsity is inf"});
  EXPECT_EQ(test::get_bytes(directory / "c"), before);
  EXPECT_THAT(directory.entries(), ElementsAre("c"));

  TrainingState state = make_state(1);
  state.moments[0].pop_back();
  EXPECT_THROW(save_checkpoint(directory / "d", state), ContractError);
  expect_error<Error>([] { save_checkpoint("/dev/full", make_state(1)); }, {"No space left"});
}

TEST(Checkpoints, InfiniteMomentsAreRefused) {
  TemporaryDirectory directory;
  TrainingState state = make_state(2);
  state.moments[1][0] = HUGE_VALF;
  expect_error<Error>([&] { save_checkpoint(directory / "c", state); }, {directory / "c", "element 0", "is infinite"});
  EXPECT_FALSE(std::filesystem::exists(directory / "c"));
}

}  // namespace
}  // namespace lacuna
