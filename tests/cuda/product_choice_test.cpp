// --products measured: the fastest algorithm by the clock, on record and the same from then on, nothing else changed.

#include "product_choice.h"

#include "cuda/emulator.h"
#include "gmock/gmock.h"
#include "lacuna/error.h"
#include "parity/training_run.h"

namespace lacuna::test {
namespace {

using cuda::ProductShape;
using testing::HasSubstr;
using testing::IsEmpty;

// What the emulator's cuBLASLt proposes: no split, 4 and 2 parts, 8 parts.
constexpr const char* kAlgorithms[] = {"1.20.0.1.0.0.0.0.0", "1.20.0.4.2.0.0.0.0", "1.20.0.2.4.0.0.0.0",
                                       "3.15.0.8.2.0.0.0.0"};

class ProductChoice : public Emulator, public testing::WithParamInterface<Precision> {
 protected:
  ~ProductChoice() override { cuda::set_product_meter({}); }

  /// Batches of 32 and one of 10; four shapes forward and back each, and more in the smaller batch.
  const TrainingRun run_{.start = random_model(Network::autoencoder(60, {20}), 1, 2.0),
                         .data = random_dataset(74, 60, DType::u8, 2),
                         .options = {.objective = {}, .optimizer = {.learning_rate = 0.01}, .batch = 32, .seed = 5},
                         .steps = 8};

  static std::unique_ptr<Backend> with(const ProductOptions& products, Precision precision = Precision::fp32) {
    return make_backend("cuda", {.precision = precision, .engine = Engine::graph, .products = products});
  }
  /// cuBLAS takes 10 us, `algorithm` as long as said, all others more.
  static void clock_says(const std::string& algorithm, double seconds) {
    cuda::set_product_meter([=](const ProductShape&, const std::string& asked, const auto&) {
      return asked == algorithm ? seconds : asked == "default" ? 10e-6 : 11e-6;
    });
  }
  ProductAlgorithms measured_by(const TrainingRun& run) const {
    const auto backend = with({.measured = true});
    return Trainer(*backend, run.start, run.data, run.options).products();
  }
};

TEST_F(ProductChoice, IsTheFastest) {
  for (const char* algorithm : kAlgorithms) {
    clock_says(algorithm, 7e-6);
    const auto backend = with({.measured = true});
    Trainer trainer(*backend, run_.start, run_.data, run_.options);
    const ProductAlgorithms chosen = trainer.products();
    EXPECT_EQ(chosen.size(), 10u) << "five products of a step, of two sizes of batch";
    for (const auto& [shape, of] : chosen) EXPECT_EQ(of, algorithm) << shape;
    EXPECT_THAT(trainer.remarks().at(0), HasSubstr("products by measurement: 5 of 5 shapes by cuBLASLt: "));
    EXPECT_THAT(trainer.remarks().at(0), HasSubstr(", 7.0 us, not 10.0"));
  }
}

/// Each shape for itself, whatever else it is measured against.
TEST_F(ProductChoice, IsTheFastestOfTimesOnRecord) {
  const std::map<std::string, std::map<std::string, double>> microseconds = {
      {"nt32x20x60", {{"default", 10}, {kAlgorithms[0], 8}, {kAlgorithms[1], 7}, {kAlgorithms[2], 6}}},
      {"nt32x60x20", {{"default", 10}, {kAlgorithms[1], 8}, {kAlgorithms[2], 8.5}}},
      {"tn20x60x32", {{"default", 10}, {kAlgorithms[3], 9.1}}},
      {"tn60x20x32", {{"default", 10}, {kAlgorithms[3], 8.9}}}};
  cuda::set_product_meter([&](const ProductShape& shape, const std::string& algorithm, const auto&) {
    const auto row = microseconds.find(cuda::to_string(shape));
    if (row == microseconds.end() || !row->second.contains(algorithm)) return algorithm == "default" ? 1.0 : 2.0;
    return 1e-6 * row->second.at(algorithm);
  });
  EXPECT_EQ(measured_by(run_),
            (ProductAlgorithms{
                {"nt32x20x60", kAlgorithms[2]}, {"nt32x60x20", kAlgorithms[1]}, {"tn60x20x32", kAlgorithms[3]}}));
}

TEST_F(ProductChoice, IsCublasItselfUnlessAnotherIsClearlyFaster) {
  clock_says(kAlgorithms[1], 9.5e-6);
  const auto backend = with({.measured = true});
  Trainer trainer(*backend, run_.start, run_.data, run_.options);
  EXPECT_THAT(trainer.products(), IsEmpty());
  EXPECT_THAT(trainer.remarks().at(0), HasSubstr("products by measurement: 0 of 5 shapes by cuBLASLt"));
  expect_same_bits(train_on(*backend, run_), train_on(*with({}), run_));
}

TEST_P(ProductChoice, AgreesWithTheReferenceWhateverItIs) {
  // The run of ReducedPrecision, whose bounds are those of all precisions.
  TrainingRun run{random_model(make_network(60, {40}, {}, Activation::sigmoid, Activation::sigmoid), 2, 2.0),
                  random_dataset(33, 60, DType::u8, 1),
                  {}};
  run.options.optimizer.learning_rate = 0.01;
  run.options.batch = 11;
  const TrainingResult expected = train_reference(run), usual = train_on(*with({}, GetParam()), run);
  for (const char* algorithm : kAlgorithms) {
    SCOPED_TRACE(algorithm);
    clock_says(algorithm, 7e-6);
    const TrainingResult got = train_on(*with({.measured = true}, GetParam()), run);
    expect_same_training(run, got, expected, GetParam());
    EXPECT_EQ(got.parameters == usual.parameters, algorithm == kAlgorithms[0]) << "parts are sums of their own";
  }
}
INSTANTIATE_TEST_SUITE_P(Each, ProductChoice, testing::Values(Precision::fp32, Precision::tf32, Precision::bf16),
                         [](const auto& instance) { return std::string(to_string(instance.param)); });

TEST_F(ProductChoice, OnRecordGivesTheSameBitsAndIsNotMeasured) {
  clock_says(kAlgorithms[1], 7e-6);
  const auto measuring = with({.measured = true});
  const TrainingResult first = train_on(*measuring, run_);
  const ProductAlgorithms recorded = Trainer(*measuring, run_.start, run_.data, run_.options).products();
  cuda::set_product_meter([](const ProductShape& shape, const std::string&, const auto&) {
    ADD_FAILURE() << cuda::to_string(shape) << " is measured";
    return 1.0;
  });
  for (int time = 0; time < 2; ++time) {
    const auto backend = with(parse_products(to_string({.measured = false, .algorithms = recorded})));
    expect_same_bits(train_on(*backend, run_), first);
    const Trainer trainer(*backend, run_.start, run_.data, run_.options);
    EXPECT_EQ(trainer.products(), recorded);
    EXPECT_THAT(trainer.remarks().at(0),
                HasSubstr("products on record: 5 of 5 shapes by cuBLASLt: nn32x20x60 in 4 parts"));
  }
}

TEST_F(ProductChoice, OnRecordIsForTheShapesThatItNames) {
  const auto backend = with({.algorithms = {{"nt32x20x60", kAlgorithms[3]}, {"nt7x7x7", "no.such"}}});
  Trainer trainer(*backend, run_.start, run_.data, run_.options);
  EXPECT_EQ(trainer.products(), (ProductAlgorithms{{"nt32x20x60", kAlgorithms[3]}}));
  EXPECT_NE(train_on(*backend, run_).parameters, train_on(*with({}), run_).parameters);
}

TEST_F(ProductChoice, SaysThatARecordIsOfAnotherMachine) {
  for (const Engine engine : {Engine::graph, Engine::automatic}) {
    const auto backend =
        make_backend("cuda", {.engine = engine, .products = {.algorithms = {{"nt32x20x60", "21.20.8.4.2.0.0.0.0"}}}});
    try {
      Trainer(*backend, run_.start, run_.data, run_.options);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const InputError& error) {
      EXPECT_THAT(error.what(), HasSubstr("cuBLASLt 13.1.0 has no algorithm 21.20.8.4.2.0.0.0.0 for nt32x20x60"));
      EXPECT_THAT(error.what(), HasSubstr("--products default or measured"));
    }
  }
}

TEST_F(ProductChoice, IsMadeOnceForAllPlansAndNotForEvaluation) {
  int asked = 0;
  cuda::set_product_meter([&asked](const ProductShape&, const std::string&, const auto&) { return ++asked; });
  const auto backend = with({.measured = true});
  for (int i = 0; i < 2; ++i) Trainer(*backend, run_.start, run_.data, run_.options);
  EXPECT_EQ(asked, 10 * 5) << "ten shapes by cuBLAS and four algorithms";
  Evaluator(*backend, run_.start, run_.data, 32).loss({});
  EXPECT_EQ(asked, 10 * 5);
}

/// Measured for good here, whatever the clock may say.
TEST_F(ProductChoice, LeavesNoTraceOfItsMeasurements) {
  for (const Precision precision : {Precision::fp32, Precision::bf16}) {
    std::vector<double> seconds;
    cuda::set_product_meter([&](const ProductShape&, const std::string& algorithm, const auto& measure) {
      seconds.push_back(measure());
      return algorithm == kAlgorithms[2] ? 1.0 : 2.0;
    });
    const std::size_t before = simt::live().device_bytes;
    std::size_t by_default = 0;
    {
      const auto backend = with({}, precision);
      const Trainer trainer(*backend, run_.start, run_.data, run_.options);
      by_default = simt::live().device_bytes - before;
    }
    const auto backend = with({.measured = true}, precision);
    Trainer trainer(*backend, run_.start, run_.data, run_.options);
    EXPECT_EQ(simt::live().device_bytes - before, by_default) << "products share cuBLAS's workspace";
    EXPECT_EQ(seconds.size(), 50u);
    for (const double s : seconds) EXPECT_GT(s, 0.0);
    EXPECT_EQ(parameters_of(trainer.state().model), parameters_of(run_.start));
    for (const auto& moment : trainer.state().moments) EXPECT_THAT(moment, testing::Each(0.0f));
    trainer.run(run_.steps);
    const ProductOptions recorded{.measured = false, .algorithms = trainer.products()};
    EXPECT_EQ(parameters_of(trainer.model()), train_on(*with(recorded, precision), run_).parameters);
  }
}

TEST_F(ProductChoice, IsCublasItselfWhereThereIsNoMemoryToMeasureIn) {
  TrainingRun run = run_;
  run.start = random_model(Network::autoencoder(200, {200}), 1);
  run.data = random_dataset(40, 200, DType::u8, 2);
  run.options.batch = 40;
  std::size_t needed = 0;
  {
    const auto backend = with({});
    const Trainer trainer(*backend, run.start, run.data, run.options);
    needed = simt::live().device_bytes;
  }
  simt::set_machine({.device_memory = needed + (std::size_t{100} << 10), .multiprocessors = 2});
  cuda::set_product_meter([](const ProductShape& shape, const std::string&, const auto&) {
    ADD_FAILURE() << cuda::to_string(shape) << " fits";
    return 1.0;
  });
  EXPECT_THAT(measured_by(run), IsEmpty());
}

TEST_F(ProductChoice, IsCapturedWithAllElse) {
  clock_says(kAlgorithms[1], 7e-6);
  const auto backend = with({.measured = true});
  Trainer trainer(*backend, run_.start, run_.data, run_.options);
  simt::reset_counters();
  trainer.run_within_epoch(2);
  const simt::Counters& counters = simt::counters();
  EXPECT_EQ(counters.graph_launches, 2u);
  EXPECT_EQ(counters.gemms, 2u * 5);
  EXPECT_EQ(counters.allocations + counters.pinned_allocations + counters.frees, 0u);
  EXPECT_EQ(counters.default_workspace_captures, 0u);
}

TEST_F(ProductChoice, HoldsInEverySchedule) {
  clock_says(kAlgorithms[1], 7e-6);
  const TrainingResult first = train_on(*with({.measured = true}), run_);
  for (const unsigned seed : {0u, 1u}) {
    simt::set_execution(simt::Execution::deferred, seed);
    expect_same_bits(train_on(*with({.measured = true}), run_), first);
  }
}

TEST_F(ProductChoice, HoldsForStepsThatAreTimed) {
  clock_says(kAlgorithms[1], 7e-6);
  const auto backend = with({.measured = true});
  Trainer plain(*backend, run_.start, run_.data, run_.options), timed(*backend, run_.start, run_.data, run_.options);
  StepProfile profile;
  timed.profile(2, profile);
  timed.run(4);
  plain.run(4);
  EXPECT_EQ(timed.model().parameters, plain.model().parameters);
}

TEST_F(ProductChoice, IsThereForLbfgsAndBesideTheOtherEngine) {
  clock_says(kAlgorithms[1], 7e-6);
  TrainingRun run = run_;
  run.options.optimizer = {.kind = OptimizerKind::lbfgs};
  EXPECT_EQ(measured_by(run).size(), 5u);
  cuda::set_step_meter([](Engine engine, const auto&) { return engine == Engine::resident ? 1.0 : 2.0; });
  for (const auto& [engine, shapes] :
       {std::pair{Engine::automatic, 0u}, {Engine::resident, 0u}, {Engine::graph, 10u}}) {
    const auto backend = make_backend("cuda", {.engine = engine, .products = {.measured = true, .algorithms = {}}});
    EXPECT_EQ(Trainer(*backend, run_.start, run_.data, run_.options).products().size(), shapes);
  }
}

TEST_F(ProductChoice, CublasLtThatFailsIsALine) {
  clock_says(kAlgorithms[1], 7e-6);
  const auto backend = with({.measured = true});
  simt::set_machine({.multiprocessors = 2, .has_kernel_image = false});
  const cuda::Stream stream;
  const cuda::Cublas cublas(stream.get(), Precision::fp32);
  const cuda::CublasLt library(cublas);
  const auto products = library.products({cuda::Transpose::no, cuda::Transpose::no, 8, 8, 8});
  const cuda::DeviceMemory memory(1024, "operands");
  const auto message_of = [](const auto& call) -> std::string {
    try {
      call();
    } catch (const Error& error) {
      return error.what();
    }
    return "nothing was thrown";
  };
  auto* result = reinterpret_cast<float*>(memory.get()) + 128;
  const auto multiply = [&](float* to) { return [&, to] { products.at(1)(memory.get(), memory.get(), to); }; };
  EXPECT_THAT(message_of(multiply(result)),
              HasSubstr("cublasLtMatmul failed: the device lacks what the function needs"));
  EXPECT_THAT(message_of(multiply(result + 1)), HasSubstr("cublasLtMatmul failed: invalid argument at cublas_lt.cpp:"));
  EXPECT_THAT(message_of([&] {
                library.products({cuda::Transpose::no, cuda::Transpose::no, -1, 2, 2});
              }),
              HasSubstr("cublasLtMatmulAlgoGetHeuristic failed: invalid argument at cublas_lt.cpp:"));
}

TEST_F(ProductChoice, IsWrittenAsItIsRead) {
  for (const std::string text : {"default", "measured", "batched", "nt1x2x3=1.2.3,tn4x5x6+=7"})
    EXPECT_EQ(to_string(parse_products(text)), text);
  for (const std::string wrong : {"mesured", "", "a=1,b", "=1", "a=", "a=1,,b=2"})
    EXPECT_THROW(parse_products(wrong), InputError) << wrong;
  EXPECT_THROW(make_backend("cpu", {.products = {.measured = true, .algorithms = {}}}), InputError);
  EXPECT_THROW(make_backend("cpu", {.products = parse_products("a=1")}), InputError);
  EXPECT_THROW(make_backend("cpu", {.products = parse_products("batched")}), InputError);
}

}  // namespace
}  // namespace lacuna::test
