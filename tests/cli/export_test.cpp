#include "cli/cli_test.h"
#include "lacuna/model.h"
#include "lacuna/npy.h"

namespace lacuna::test {

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class Export : public CliTest {
 protected:
  void SetUp() override { ASSERT_EQ(train({"--out", "run"}).status, 0); }
  std::vector<float> parameters(const std::string& run_name) const {
    return load_model(at(run_name).string()).parameters;
  }
};

TEST_F(Export, ArraysThatARunCanBeginWith) {
  const ProgramResult plain = run({"export", "run", "--out", "arrays"});
  ASSERT_EQ(plain.status, 0) << plain.err;
  EXPECT_EQ(plain.out,
            "arrays/encoder.0.weight.npy\narrays/encoder.0.bias.npy\narrays/decoder.0.weight.npy\n"
            "arrays/decoder.0.bias.npy\n");
  ASSERT_EQ(run({"export", "run/checkpoints/epoch-0002.safetensors", "--out", "rows", "--bias-row"}).status, 0);
  EXPECT_THAT(files_below(at("rows")), ElementsAre("decoder.0.npy", "encoder.0.npy"));
  EXPECT_EQ(read_npy(at("rows/encoder.0.npy").string()).view.shape, (Shape{785, 16}));
  for (const std::string form : {"arrays", "rows"}) {
    const ProgramResult result = train({"--out", "from-" + form, "--init", form, "--epochs", "0"});
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(parameters("from-" + form), parameters("run"));
    EXPECT_THAT(read_text(at("from-" + form + "/config.toml")), HasSubstr("init = \"" + form + "/\"\n"));
  }
}

TEST_F(Export, ARunGoesOnWhenTheArraysAreGone) {
  ASSERT_EQ(run({"export", "run", "--out", "arrays"}).status, 0);
  ASSERT_EQ(train({"--out", "next", "--init", "arrays", "--epochs", "1"}).status, 0);
  std::filesystem::remove_all(at("arrays"));
  const ProgramResult result = run({"train", "--out", "next", "--resume", "--epochs", "2"});
  EXPECT_EQ(result.status, 0) << result.err;
}

TEST_F(Export, BadInput) {
  expect_error(run({"export", "run"}), 2, {"--out", "lacuna export MODEL"});
  expect_error(run({"export"}), 2, {"model is missing"});
  expect_error(run({"export", "none", "--out", "arrays"}), 2, {"none"});
  expect_error(run({"export", "run", "--out", "run"}), 2, {"run exists"});
  expect_error(run({"export", "run", "--out", "a/b"}), 2, {"a/b", "No such file"});
  ASSERT_EQ(run({"export", "run", "--out", "arrays", "--bias-row"}).status, 0);
  expect_error(train({"--out", "next", "--init", "arrays", "--hidden", "5"}), 2, {"[785, 16]", "[785, 5]"});
  EXPECT_FALSE(exists("next"));
}

TEST_F(Export, AFullDiskLeavesNothing) {
  ProgramOptions options;
  options.largest_file = 10'000;
  expect_error(run({"export", "run", "--out", "arrays"}, options), 1, {"encoder.0.weight.npy", "File too large"});
  EXPECT_THAT(files_below(at("")), Not(::testing::Contains(HasSubstr("arrays"))));
}

}  // namespace

}  // namespace lacuna::test
