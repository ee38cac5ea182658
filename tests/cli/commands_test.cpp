#include <cmath>
#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/cli_test.h"
#include "cli/png_reader.h"
#include "lacuna/data.h"
#include "lacuna/model.h"
#include "lacuna/npy.h"

namespace lacuna::test {

namespace {

using ::testing::HasSubstr;

/// A trained model to use, and the plainest forward pass to compare with.
class Commands : public CliTest {
 protected:
  void SetUp() override {
    const ProgramResult result = train({"--out", "run"});
    ASSERT_EQ(result.status, 0) << result.err;
  }

  static std::vector<double> layer(const Model& model, const std::string& name, const std::vector<double>& input) {
    const Shape shape = model.layout[name + ".weight"].shape;
    const float* weight = model.data(name + ".weight");
    const float* bias = model.data(name + ".bias");
    std::vector<double> output;
    for (std::int64_t j = 0; j < shape[0]; ++j) {
      double sum = static_cast<double>(bias[j]);
      for (std::int64_t i = 0; i < shape[1]; ++i)
        sum += static_cast<double>(weight[j * shape[1] + i]) * input[static_cast<std::size_t>(i)];
      output.push_back(1.0 / (1.0 + std::exp(-sum)));
    }
    return output;
  }

  static std::vector<double> sample(const Dataset& data, std::int64_t row) {
    std::vector<float> values(static_cast<std::size_t>(data.features()));
    data.copy_row(row, values.data());
    return {values.begin(), values.end()};
  }

  nlohmann::json eval(const Arguments& more) {
    Arguments all{"eval", "run", "--threads", "1"};
    all.insert(all.end(), more.begin(), more.end());
    const ProgramResult result = run(all);
    EXPECT_EQ(result.status, 0) << result.err;
    return nlohmann::json::parse(result.out);
  }
};

TEST_F(Commands, EvalComputesTheObjectiveOfTheRun) {
  const nlohmann::json json = eval({});
  const Model model = load_model(at("run").string());
  const Dataset data = synthetic_digits(300);
  double reconstruction = 0, decay = 0, variance = 0;
  std::vector<double> means(16, 0.0), pixels(784, 0.0);
  for (std::int64_t row = 0; row < data.rows(); ++row) {
    const auto x = sample(data, row);
    for (std::size_t i = 0; i < x.size(); ++i) pixels[i] += x[i] / 300.0;
  }
  for (std::int64_t row = 0; row < data.rows(); ++row) {
    const auto x = sample(data, row), code = layer(model, "encoder.0", x), y = layer(model, "decoder.0", code);
    for (std::size_t i = 0; i < x.size(); ++i) reconstruction += 0.5 * (x[i] - y[i]) * (x[i] - y[i]) / 300.0;
    for (std::size_t i = 0; i < x.size(); ++i) variance += (x[i] - pixels[i]) * (x[i] - pixels[i]) / 300.0;
    for (std::size_t j = 0; j < code.size(); ++j) means[j] += code[j] / 300.0;
  }
  double sparsity = 0, mean = 0;
  for (const double m : means) {
    sparsity += 3.0 * (0.1 * std::log(0.1 / m) + 0.9 * std::log(0.9 / (1.0 - m)));
    mean += m / 16.0;
  }
  for (const char* name : {"encoder.0.weight", "decoder.0.weight"})
    for (std::int64_t i = 0; i < 16 * 784; ++i)
      decay += 0.5e-3 * static_cast<double>(model.data(name)[i]) * static_cast<double>(model.data(name)[i]);

  EXPECT_EQ(json["rows"], 300);
  EXPECT_NEAR(json["reconstruction"].get<double>(), reconstruction, 1e-5 * reconstruction);
  EXPECT_NEAR(json["sparsity"].get<double>(), sparsity, 1e-5 * sparsity);
  EXPECT_NEAR(json["weight_decay"].get<double>(), decay, 1e-5 * decay);
  EXPECT_NEAR(json["mean_activation"].get<double>(), mean, 1e-5);
  EXPECT_NEAR(json["min_unit_activation"].get<double>(), std::ranges::min(means), 1e-5);
  EXPECT_NEAR(json["max_unit_activation"].get<double>(), std::ranges::max(means), 1e-5);
  EXPECT_NEAR(json["loss"].get<double>(), reconstruction + sparsity + decay, 1e-4 * reconstruction);
  EXPECT_NEAR(json["explained_variance"].get<double>(), 1 - 2 * reconstruction / variance, 1e-5);
  EXPECT_FALSE(json.contains("l0") || json.contains("dead_units")) << "a sigmoid is never 0";
}

TEST_F(Commands, EvalCountsTheUnitsThatAreActive) {
  ASSERT_EQ(train({"--sparsity", "topk", "--k", "3", "--activation", "identity", "--out", "run", "--force"}).status, 0);
  const nlohmann::json sparse = eval({});
  EXPECT_EQ(sparse["l0"], 3.0);
  EXPECT_GE(sparse["dead_units"], 0);
  EXPECT_LE(sparse["dead_units"], 13);
  const std::vector<float> equal(784 * 5, 0.25F);
  write_npy(at("equal.npy").string(), ConstTensorView(equal.data(), DType::f32, {5, 784}));
  const nlohmann::json constant = eval({"--data", "npy:equal.npy"});
  EXPECT_TRUE(constant.contains("explained_variance") && constant["explained_variance"].is_null());
  EXPECT_EQ(constant["l0"], 3.0);
  EXPECT_EQ(constant["dead_units"], 13) << "equal samples have equal codes";
}

TEST_F(Commands, EvalOptionsWinOverWhatTheModelRemembers) {
  const nlohmann::json own = eval({}), other = eval({"--beta", "6", "--loss", "squared", "--weight-decay", "0"});
  EXPECT_NEAR(other["sparsity"].get<double>(), 2 * own["sparsity"].get<double>(), 1e-9);
  EXPECT_NEAR(other["reconstruction"].get<double>(), 2 * own["reconstruction"].get<double>(), 1e-4);
  EXPECT_EQ(other["weight_decay"], 0.0);
  EXPECT_EQ(eval({"--data", "synthetic:70", "--split", "test"})["rows"], 70);
  EXPECT_EQ(eval({"--limit", "30"})["rows"], 30);
}

TEST_F(Commands, EncodeWritesTheCodes) {
  const ProgramResult result = run({"encode", "run", "--out", "c.npy", "--threads", "1"});
  ASSERT_EQ(result.status, 0) << result.err;
  const NpyArray codes = read_npy(at("c.npy").string());
  ASSERT_EQ(codes.view.shape, (Shape{300, 16}));
  ASSERT_EQ(codes.view.dtype, DType::f32);
  const Model model = load_model(at("run").string());
  const Dataset data = synthetic_digits(300);
  for (const std::int64_t row : {0, 123, 299}) {
    const auto expected = layer(model, "encoder.0", sample(data, row));
    for (std::size_t j = 0; j < expected.size(); ++j)
      EXPECT_NEAR(static_cast<double>(static_cast<const float*>(codes.view.data)[row * 16 + static_cast<int>(j)]),
                  expected[j], 1e-5);
  }
}

TEST_F(Commands, ReconstructWritesArrayAndPicture) {
  const ProgramResult result =
      run({"reconstruct", "run/model.safetensors", "--out", "r.npy", "--png", "r.png", "--threads", "1"});
  ASSERT_EQ(result.status, 0) << result.err;
  const NpyArray values = read_npy(at("r.npy").string());
  ASSERT_EQ(values.view.shape, (Shape{300, 784}));
  const Model model = load_model(at("run").string());
  const auto expected = layer(model, "decoder.0", layer(model, "encoder.0", sample(synthetic_digits(300), 299)));
  for (std::size_t i = 0; i < 784; ++i)
    EXPECT_NEAR(static_cast<double>(static_cast<const float*>(values.view.data)[299 * 784 + static_cast<int>(i)]),
                expected[i], 1e-5);
  const report::Image image = read_png(at("r.png"));
  EXPECT_EQ(image.height, 3 * 291);
  EXPECT_EQ(image.width, 2 * 3 * 291 + 16);
}

TEST_F(Commands, MosaicOfSomeUnits) {
  ASSERT_EQ(run({"mosaic", "run", "--out", "m.png", "--units", "6", "--columns", "3"}).status, 0);
  const report::Image image = read_png(at("m.png"));
  EXPECT_EQ(image.width * (2 * 29 + 1), image.height * (3 * 29 + 1));
  ASSERT_EQ(run({"mosaic", "run", "--out", "all.png"}).status, 0);
  EXPECT_EQ(read_png(at("all.png")).width, read_png(at("all.png")).height);
}

TEST_F(Commands, ResultsThatCannotBeWrittenLeaveNothing) {
  expect_error(run({"encode", "run", "--out", "nowhere/c.npy"}), 2, {"nowhere/c.npy"});
  expect_error(run({"mosaic", "run", "--out", "run"}), 2, {"run", "directory"});
  ProgramOptions options;
  options.largest_file = 100'000;
  expect_error(run({"reconstruct", "run", "--out", "r.npy"}, options), 1, {"r.npy", "File too large"});
  const auto files = files_below(at(""));
  EXPECT_THAT(files, ::testing::Not(::testing::Contains(HasSubstr("r.npy"))));
}

TEST_F(Commands, DataOfOtherSizesAreRefused) {
  ASSERT_EQ(run({"encode", "run", "--out", "c.npy", "--threads", "1"}).status, 0);
  expect_error(run({"eval", "run", "--data", "npy:c.npy"}), 2, {"c.npy", "16", "784"});
}

TEST_F(Commands, OneFileHasNoTestSplit) {
  ASSERT_EQ(run({"reconstruct", "run", "--out", "d.npy"}).status, 0);
  EXPECT_EQ(eval({"--data", "npy:d.npy"})["rows"], 300);
  expect_error(run({"eval", "run", "--data", "npy:d.npy", "--split", "test"}), 2,
               {"d.npy has no test split", "--data"});
  ASSERT_EQ(train({"--data", "npy:d.npy", "--out", "second"}).status, 0);
  EXPECT_EQ(run({"eval", "second"}).status, 0) << "the split that it remembers is the training split";
}

TEST_F(Commands, AnObjectiveIsNotForAClassifiersTest) {
  ASSERT_EQ(run({"classify", "--model", "run", "--data", "synthetic:100", "--epochs", "1", "--out", "c"}).status, 0);
  EXPECT_EQ(run({"eval", "c"}).status, 0);
  EXPECT_EQ(run({"eval", "c", "--config", "c/config.toml"}).status, 0) << "a configuration may hold more";
  expect_error(run({"eval", "c", "--loss", "squared"}), 2, {"--loss", "c is a classifier"});
  expect_error(run({"eval", "c", "--rho", "0.2"}), 2, {"--rho", "c is a classifier"});
}

TEST_F(Commands, AStoppedOneLeavesNothing) {
  ASSERT_EQ(train({"--hidden", "3000", "--epochs", "0", "--out", "wide"}).status, 0);
  for (const std::string command : {"encode", "reconstruct"}) {
    ProgramOptions options;
    options.while_running = [this](pid_t child) {
      const auto begun = [this] {
        for (const std::string& name : files_below(at("results")))
          if (name.starts_with("a.npy.tmp-")) return true;
        return false;
      };
      for (int i = 0; i < 60'000 && !begun(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      ::kill(child, SIGTERM);
    };
    std::filesystem::create_directory(at("results"));
    const ProgramResult stopped =
        run({command, "wide", "--data", "synthetic:6000", "--threads", "1", "--out", "results/a.npy"}, options);
    EXPECT_EQ(stopped.status, 143) << stopped.err;
    EXPECT_THAT(stopped.err, HasSubstr("results/a.npy was not written"));
    EXPECT_THAT(files_below(at("results")), ::testing::IsEmpty()) << command;
  }
}

TEST_F(Commands, AReaderWhoLeavesIsNoCrash) {
  ProgramOptions options;
  options.close_stdout_reader = true;
  const ProgramResult result = run({"eval", "run"}, options);
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.err, "");
}

class Plain : public CliTest {};

TEST_F(Plain, DataInfo) {
  const ProgramResult text = run({"data", "info", "synthetic:50"});
  EXPECT_EQ(text.status, 0);
  for (const char* part : {"50 of [28, 28] = 784", "uint8", "0: 5", "9: 5"}) EXPECT_THAT(text.out, HasSubstr(part));
  const ProgramResult result = run({"data", "info", "synthetic:50", "--json", "--split", "test"});
  ASSERT_EQ(result.status, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["rows"], 50);
  EXPECT_EQ(json["sample_shape"], (std::vector<int>{28, 28}));
  EXPECT_EQ(json["label_counts"]["7"], 5);
  EXPECT_EQ(json["within_unit_interval"], true);
}

TEST_F(Plain, MnistIsFetchedToWhereItIsLookedFor) {
  const auto fetch = [&](const Arguments& more, const std::vector<std::string>& environment) {
    ProgramOptions options;
    options.environment = environment;
    options.environment.push_back("LACUNA_MNIST_MIRROR=file://" + at("nothing").string());
    Arguments all{"data", "fetch", "mnist"};
    all.insert(all.end(), more.begin(), more.end());
    const ProgramResult result = run(all, options);
    EXPECT_EQ(result.status, 1) << result.err;
    return result.err.substr(0, result.err.find('\n'));
  };
  const std::string data = "LACUNA_DATA=" + at("data").string();
  EXPECT_EQ(fetch({}, {data}), "mnist goes to " + at("data/mnist").string());
  EXPECT_TRUE(exists("data/mnist"));
  EXPECT_EQ(fetch({"--to", "here"}, {data}), "mnist goes to here");
  EXPECT_FALSE(exists("cache"));
  EXPECT_EQ(fetch({}, {}), "mnist goes to " + at("cache/lacuna/mnist").string());
  EXPECT_THAT(run({"data", "fetch", "--help"}).out, HasSubstr("$LACUNA_DATA/mnist"));
}

TEST_F(Plain, Devices) {
  const ProgramResult text = run({"devices"});
  EXPECT_EQ(text.status, 0);
  EXPECT_THAT(text.out, HasSubstr("cpu"));
  EXPECT_THAT(text.out, HasSubstr("cuda"));
  const auto json = nlohmann::json::parse(run({"devices", "--json"}).out);
  EXPECT_EQ(json["devices"][0]["kind"], "cpu");
  EXPECT_EQ(run({"devices", "--json=false"}).out, text.out);
  expect_error(run({"devices", "--json=perhaps"}), 2, {"--json", "on or off", "perhaps"});
}

TEST_F(Plain, HelpAndVersion) {
  const ProgramResult help = run({"--help"});
  EXPECT_EQ(help.status, 0);
  for (const char* name : {"train", "eval", "encode", "reconstruct", "mosaic", "data", "devices"})
    EXPECT_THAT(help.out, HasSubstr(name));
  const ProgramResult train_help = run({"train", "--help"});
  EXPECT_EQ(train_help.status, 0);
  for (const char* part : {"Data:", "Network:", "Objective:", "Training:", "--weight-decay", "0.001", "--resume"})
    EXPECT_THAT(train_help.out, HasSubstr(part));
  EXPECT_THAT(run({"eval", "--help"}).out, HasSubstr("as one batch")) << "what its loss is, beside that of training";
  const ProgramResult version = run({"--version"});
  EXPECT_EQ(version.status, 0);
  EXPECT_THAT(version.out, ::testing::StartsWith("lacuna "));
}

}  // namespace

}  // namespace lacuna::test
