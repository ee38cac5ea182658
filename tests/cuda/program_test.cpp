// The program with --device cuda, on the emulator, held against --device cpu.

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/cli_test.h"
#include "lacuna/npy.h"

namespace lacuna::test {
namespace {

using ::testing::HasSubstr;

class Program : public CliTest {
 protected:
  void train_on(const std::string& device, const std::string& out, int epochs, bool resume = false) {
    Arguments arguments{"train", "--data",   "synthetic:210",        "--hidden", "8",    "--batch", "50", "--seed",
                        "3",     "--epochs", std::to_string(epochs), "--device", device, "--out",   out};
    if (resume) arguments.push_back("--resume");
    const ProgramResult result = run(arguments);
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_THAT(result.err, HasSubstr(device == "cpu" ? "device   cpu" : "device   cuda: Emulated device"));
  }

  std::vector<double> losses(const std::string& out) {
    std::vector<double> found;
    std::istringstream lines(read_text(at(out + "/metrics.jsonl")));
    for (std::string line; std::getline(lines, line);) found.push_back(nlohmann::json::parse(line).at("loss"));
    return found;
  }

  static void expect_close(const std::vector<double>& got, const std::vector<double>& wanted) {
    ASSERT_EQ(got.size(), wanted.size());
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i] / wanted[i], 1.0, 1e-5) << i;
  }

  std::vector<double> floats_of(const std::string& file) {
    const NpyArray array = read_npy(at(file).string());
    const auto* values = static_cast<const float*>(array.view.data);
    return {values, values + array.view.shape.elements()};
  }
};

TEST_F(Program, ListsTheGpu) {
  const ProgramResult text = run({"devices"}), json = run({"devices", "--json"});
  EXPECT_EQ(text.status, 0);
  EXPECT_THAT(text.out, HasSubstr("cuda  Emulated device\n"));
  const nlohmann::json found = nlohmann::json::parse(json.out);
  ASSERT_EQ(found["devices"].size(), 2u);
  EXPECT_EQ(found["devices"][1]["compute capability"], "9.0");
  EXPECT_EQ(found["devices"][1]["memory"], "4.0 GiB");
  EXPECT_TRUE(found["missing"].empty());
}

TEST_F(Program, RefusesAGpuThatIsNotThere) {
  expect_error(run({"train", "--data", "synthetic:100", "--device", "cuda:7", "--out", "run"}), 2,
               {"--device cuda:7", "there is only 1 GPU", "lacuna devices lists them"});
  EXPECT_FALSE(exists("run"));
}

TEST_F(Program, OutOfMemoryNamesABatchThatFits) {
  ProgramOptions small;
  small.environment = {"SIMT_DEVICE_MEBIBYTES=36"};  // 32 of them are cuBLAS's workspace
  const Arguments train{"train",    "--data", "synthetic:2000", "--hidden", "4",   "--device", "cuda",
                        "--epochs", "1",      "--force",        "--out",    "run", "--batch"};
  const auto with_batch = [&](const std::string& batch) {
    Arguments all = train;
    all.push_back(batch);
    return run(all, small);
  };
  const ProgramResult refused = with_batch("2000");
  expect_error(refused, 2, {"out of GPU memory: ", "needed for", "free of 36.0 MiB", "a --batch of "});
  const std::size_t at = refused.err.find("--batch of ");
  const ProgramResult fits = with_batch(std::to_string(std::stoi(refused.err.substr(at + 11))));
  EXPECT_EQ(fits.status, 0) << fits.err;
}

TEST_F(Program, ModelsTrainedAtOnceHaveTheBitsThatTheyHaveAlone) {
  const auto sweep = [this](const std::string& out, const std::string& rho, const Arguments& more) {
    Arguments all{"sweep", "--data", "synthetic:60", "--hidden", "6",    "--batch", "25", "--epochs",
                  "1",     "--grid", "rho=" + rho,   "--device", "cuda", "--out",   out};
    all.insert(all.end(), more.begin(), more.end());
    const ProgramResult result = run(all);
    EXPECT_EQ(result.status, 0) << result.err;
  };
  const auto expect_same_model = [this](const std::string& some, const std::string& others, const std::string& rho) {
    const std::string model = "/rho=" + rho + "/model.safetensors";
    EXPECT_EQ(read_text(at(some + model)), read_text(at(others + model))) << rho;
  };
  sweep("all", "0.05,0.1,0.2", {"--jobs", "3"});
  for (const std::string rho : {"0.05", "0.2"}) {
    sweep("alone-" + rho, rho, {"--jobs", "1"});
    expect_same_model("all", "alone-" + rho, rho);
  }
  // Each on half of the device, and so too where there is no other model.
  sweep("resident", "0.05,0.2", {"--engine", "resident", "--jobs", "2"});
  sweep("resident-alone", "0.2", {"--engine", "resident", "--jobs", "2"});
  expect_same_model("resident", "resident-alone", "0.2");
  sweep("batched", "0.05,0.1,0.2", {"--products", "batched", "--jobs", "3"});
  sweep("batched-alone", "0.2", {"--products", "batched", "--jobs", "1"});
  expect_same_model("batched", "batched-alone", "0.2");
  EXPECT_THAT(read_text(at("batched/rho=0.2/config.toml")),
              HasSubstr("engine = \"graph\"\nproducts = \"nn10x6x784=1.20.0.1.0.0.0.0.0,"));
}

TEST_F(Program, ARunGoesOnOnTheOtherDevice) {
  train_on("cpu", "straight", 3);
  train_on("cuda", "mixed", 1);
  train_on("cpu", "mixed", 2, true);
  train_on("cuda", "mixed", 3, true);
  expect_close(losses("mixed"), losses("straight"));
}

TEST_F(Program, TheEngineThatWasMeasuredStaysOnRecord) {
  ProgramOptions fast;
  fast.environment = {"SIMT_FASTER_ENGINE=resident"};
  const Arguments train{"train",    "--data", "synthetic:20", "--hidden", "4",     "--batch", "20",
                        "--epochs", "1",      "--device",     "cuda",     "--out", "run"};
  const ProgramResult first = run(train, fast);
  EXPECT_EQ(first.status, 0) << first.err;
  EXPECT_THAT(first.err, HasSubstr("choice   engine resident by measurement"));
  EXPECT_THAT(read_text(at("run/config.toml")), HasSubstr("engine = \"resident\""));
  // Now the graph engine would be measured as the faster one, but nothing is measured.
  const ProgramResult resumed = run({"train", "--resume", "--out", "run", "--epochs", "2"});
  EXPECT_EQ(resumed.status, 0) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("choice   engine resident: 2 multiprocessors"));
  const ProgramResult elsewhere = run({"train", "--resume", "--out", "run", "--epochs", "3", "--device", "cpu"});
  EXPECT_EQ(elsewhere.status, 0) << elsewhere.err;
}

TEST_F(Program, TheProductsThatWereMeasuredStayOnRecord) {
  ProgramOptions fast;
  fast.environment = {"SIMT_FASTER_ALGORITHM=3.15.0.8.2.0.0.0.0"};
  const auto train = [&](const std::string& out, const Arguments& more, const ProgramOptions& options = {}) {
    Arguments all{"train", "--data", "synthetic:50", "--hidden", "8", "--batch", "20", "--epochs", "2", "--out", out};
    all.insert(all.end(), more.begin(), more.end());
    const ProgramResult result = run(all, options);
    EXPECT_EQ(result.status, 0) << result.err;
    return result;
  };
  const ProgramResult first = train("run", {"--device", "cuda", "--products", "measured"}, fast);
  EXPECT_THAT(first.err,
              HasSubstr("choice   products by measurement: 5 of 5 shapes by cuBLASLt: nn20x8x784 in 8 parts"));
  const std::string config = read_text(at("run/config.toml"));
  EXPECT_THAT(config, HasSubstr("products = \"nn10x8x784=3.15.0.8.2.0.0.0.0,nn20x8x784=3.15.0.8.2.0.0.0.0,"));
  // Now cuBLAS's own choice would be measured as the fastest, but nothing is measured.
  train("again", {"--config", "run/config.toml"});
  EXPECT_EQ(read_text(at("again/model.safetensors")), read_text(at("run/model.safetensors")));
  EXPECT_EQ(read_text(at("again/config.toml")), config);
  train("usual", {"--device", "cuda", "--products", "measured"});
  EXPECT_THAT(read_text(at("usual/config.toml")), HasSubstr("products = \"default\"\n"));
  EXPECT_NE(losses("usual"), losses("run"));

  const ProgramResult resumed = run({"train", "--resume", "--out", "run", "--epochs", "3"});
  EXPECT_EQ(resumed.status, 0) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("choice   products on record: 5 of 5 shapes by cuBLASLt"));
  const ProgramResult elsewhere = run({"train", "--resume", "--out", "run", "--epochs", "4", "--device", "cpu"});
  EXPECT_EQ(elsewhere.status, 0) << elsewhere.err;
  EXPECT_THAT(read_text(at("run/config.toml")), HasSubstr("products = \"default\"\n"));
}

TEST_F(Program, ProductsAreNotMeasuredWhereTheChoiceWouldNotBeTheSame) {
  expect_error(run({"sweep", "--data", "synthetic:60", "--hidden", "8", "--device", "cuda", "--grid", "rho=0.1,0.2",
                    "--products", "measured", "--out", "all"}),
               2, {"cell rho=0.1: --products measured is for a model that is trained alone"});
  expect_error(run({"train", "--data", "synthetic:60", "--device", "cpu", "--products", "measured", "--out", "run"}), 2,
               {"--products is for GPUs", "leave it at default"});
  expect_error(run({"train", "--data", "synthetic:60", "--products", "fastest", "--out", "run"}), 2,
               {"--products", "unknown products \"fastest\"", "known: default, measured"});
}

TEST_F(Program, RefusesANetworkThatIsNotForTheResidentEngine) {
  expect_error(run({"train", "--data", "synthetic:60", "--hidden", "8,4", "--device", "cuda", "--engine", "resident",
                    "--out", "run"}),
               2, {"--engine resident cannot run this: the network has 4 layers", "use --engine graph"});
  EXPECT_FALSE(exists("run"));
}

/// What is computed in each is for the parity tests; here that the option reaches the device, and stays with the run.
TEST_F(Program, ComputesInThePrecisionAskedFor) {
  std::vector<double> reached;
  for (const std::string precision : {"fp32", "tf32", "bf16"}) {
    const Arguments arguments{"train", "--data",  "synthetic:100", "--hidden", "8",           "--epochs", "1",
                              "--out", precision, "--device",      "cuda",     "--precision", precision};
    const ProgramResult result = run(arguments);
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_THAT(result.err, HasSubstr(", " + precision + "\n"));
    EXPECT_THAT(read_text(at(precision + "/config.toml")), HasSubstr("precision = \"" + precision + "\""));
    reached.push_back(losses(precision).front());
  }
  for (const double loss : {reached[1], reached[2]}) {
    EXPECT_NE(loss, reached[0]);
    EXPECT_NEAR(loss / reached[0], 1.0, 1e-2);
  }
  expect_error(run({"train", "--resume", "--out", "bf16", "--epochs", "2", "--device", "cuda", "--precision", "tf32"}),
               2, {"precision"});
}

TEST_F(Program, AModelIsUsedOnEitherDevice) {
  train_on("cuda", "run", 1);
  std::vector<nlohmann::json> evaluated;
  for (const std::string device : {"cpu", "cuda"}) {
    const ProgramResult eval = run({"eval", "run", "--device", device});
    ASSERT_EQ(eval.status, 0) << eval.err;
    evaluated.push_back(nlohmann::json::parse(eval.out));
    ASSERT_EQ(run({"encode", "run", "--device", device, "--out", device + "_codes.npy"}).status, 0);
    ASSERT_EQ(run({"reconstruct", "run", "--device", device, "--out", device + "_images.npy"}).status, 0);
  }
  for (const char* term : {"loss", "reconstruction", "sparsity", "weight_decay", "mean_activation"})
    EXPECT_NEAR(evaluated[1].at(term).get<double>() / evaluated[0].at(term).get<double>(), 1.0, 1e-5) << term;
  expect_close(floats_of("cuda_codes.npy"), floats_of("cpu_codes.npy"));
  expect_close(floats_of("cuda_images.npy"), floats_of("cpu_images.npy"));
}

}  // namespace
}  // namespace lacuna::test
