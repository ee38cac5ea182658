// In bf16 products read copies of their operands, one for all that read an operand before it changes: how many a step
// makes, and that none is read when it is out of date.

#include <cstring>

#include "cuda/emulator.h"
#include "parity/training_run.h"
#include "train/plans.h"

namespace lacuna::test {
namespace {

using Contents = std::map<std::string, std::vector<std::byte>>;

template <class T>
std::vector<std::byte> bytes_of(const T* values, std::int64_t count) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(count) * sizeof(T));
  std::memcpy(bytes.data(), values, bytes.size());
  return bytes;
}

template <class T>
std::vector<std::byte> bytes_of(const std::vector<T>& values) {
  return bytes_of(values.data(), static_cast<std::int64_t>(values.size()));
}

/// A plan, what its buffers hold before it runs, and the bfloat16 copies that a step of it makes.
struct PlanCase {
  const char* name;
  StepPlan plan;
  Contents before;
  std::uint64_t copies;

  friend void PrintTo(const PlanCase& plan_case, std::ostream* out) { *out << plan_case.name; }
};

constexpr std::int64_t kRows = 84, kBatch = 4, kFeatures = 12;

Contents contents(const Model& model) {
  const Dataset data = with_labels(random_dataset(kRows, kFeatures, DType::f32, 1), 3, 2);
  return {{names::kData, bytes_of(static_cast<const float*>(data.values()), kRows * kFeatures)},
          {names::kLabels, bytes_of(data.labels().data(), kRows)},
          {names::kParameters, bytes_of(model.parameters)}};
}

PlanCase training(const char* name, const Network& network, const TrainerOptions& options, std::uint64_t copies) {
  return {name, build_training_plan(network, options, kBatch, kRows, DType::f32, 32),
          contents(random_model(network, 3)), copies};
}

/// x, W1, h, W2 and the two deltas.
PlanCase autoencoder() {
  return training("autoencoder", Network::autoencoder(kFeatures, {5}), {}, 6);
}

/// x with noise, the one W, h and the two deltas.
PlanCase k_sparse_with_tied_weights() {
  Network network = make_network(kFeatures, {9}, {}, Activation::identity, Activation::identity);
  network.tied = true;
  network.encoder[0].kept = network.encoder[0].kept_in_evaluation = 3;
  TrainerOptions options;
  options.objective.sparsity = Sparsity::topk;
  options.noise = {NoiseKind::mask, 0.3};
  return training("k_sparse_with_tied_weights", network, options, 5);
}

/// The input and the weight of each layer, and the deltas of the last two: the first layer stays as it is.
PlanCase fine_tuning() {
  TrainerOptions options;
  options.dropout = 0.5;
  options.frozen_layers = 1;
  const std::vector<Layer> layers{{kFeatures, 7, Activation::sigmoid}, {7, 5, Activation::sigmoid}};
  return training("fine_tuning", Network::classifying(layers, kFeatures, 3), options, 3 * 2 + 2);
}

PlanCase evaluation() {
  const Network network = Network::autoencoder(kFeatures, {5});
  return {"evaluation", build_forward_plan(network, ForwardGoal::loss, {}, kBatch, kRows, DType::f32, 32),
          contents(random_model(network, 3)), 4};
}

/// As L-BFGS evaluates its objective: the parameters move first.
PlanCase line_search() {
  const Network network = Network::autoencoder(kFeatures, {5});
  const Model start = random_model(network, 3), direction = random_model(network, 4);
  PlanCase search{"line_search", build_objective_plan(network, {}, kRows, DType::f32), contents(start), 6};
  StepPlan& plan = search.plan;
  const BufferId parameters = plan.find(names::kParameters);
  const Shape slab = plan[parameters].shape;
  const BufferId along = plan.bound("direction", DType::f32, slab), step = plan.bound("step", DType::f64, {2});
  plan.operations.insert(plan.operations.begin() + 1, Combine{{parameters, along}, step, parameters});
  search.before["direction"] = bytes_of(direction.parameters);
  search.before["step"] = bytes_of(std::vector<double>{1.0, 0.1});
  return search;
}

/// Operands that change between two products of one step: the weight by way of its slab, then the input in place.
PlanCase operands_that_change() {
  const Model model = random_model(Network::autoencoder(kFeatures, {5}), 3);
  PlanCase changes{"operands_that_change", {}, contents(model), 2 + 1 + 1};
  StepPlan& plan = changes.plan;
  const auto slab = static_cast<std::int64_t>(model.parameters.size());
  const BufferId x = plan.bound(names::kData, DType::f32, {kRows, kFeatures}),
                 parameters = plan.bound(names::kParameters, DType::f32, {slab}),
                 weight = plan.slice("weight", parameters, 0, {5, kFeatures}),
                 state = plan.bound(names::kState, DType::i64, {3}), half = plan.bound("half", DType::f64, {1});
  const auto product = [&](const char* name) {
    return DenseForward{.input = x, .weight = weight, .output = plan.bound(name, DType::f32, {kRows, 5})};
  };
  Noise noise{NoiseKind::mask, 0.3};
  noise.input = noise.output = x;
  noise.state = state;
  plan.operations = {product("first"), Combine{{parameters}, half, parameters}, product("second"), noise,
                     product("third")};
  changes.before["half"] = bytes_of(std::vector<double>{0.5});
  return changes;
}

/// A plan for each operation, on buffers that are all bound: each product makes its own copies.
std::vector<StepPlan> one_by_one(StepPlan plan) {
  for (Buffer& buffer : plan.buffers)
    if (buffer.kind == Buffer::Kind::scratch) buffer.kind = Buffer::Kind::bound;
  std::vector<StepPlan> plans;
  for (const Operation& operation : plan.operations) {
    plans.push_back(plan);
    plans.back().operations = {operation};
  }
  return plans;
}

/// Plans on the same bound buffers.
class Plans {
 public:
  Plans(Backend& backend, const std::vector<StepPlan>& plans, const Contents& before) : backend_(backend) {
    Bindings bindings;
    for (const Buffer& buffer : plans.front().buffers) {
      if (buffer.kind != Buffer::Kind::bound) continue;
      auto& memory = buffers_[buffer.name] = backend.allocate(buffer.bytes(), buffer.name);
      bindings[buffer.name] = memory.get();
      const auto found = before.find(buffer.name);
      if (found != before.end()) backend.upload(*memory, 0, found->second.data(), memory->bytes());
    }
    for (const StepPlan& plan : plans) executables_.push_back(backend.compile(plan, bindings));
  }

  /// Of one plan after the other.
  void run(std::int64_t steps) {
    for (const auto& executable : executables_) EXPECT_EQ(executable->run(steps), steps);
  }

  /// The floats that are bound in a plan.
  Contents floats_of(const StepPlan& plan) {
    Contents found;
    for (const Buffer& buffer : plan.buffers) {
      if (buffer.kind != Buffer::Kind::bound || buffer.dtype != DType::f32) continue;
      auto& bytes = found[buffer.name] = std::vector<std::byte>(static_cast<std::size_t>(buffer.bytes()));
      backend_.download(bytes.data(), *buffers_.at(buffer.name), 0, buffer.bytes());
    }
    return found;
  }

 private:
  Backend& backend_;
  std::map<std::string, std::unique_ptr<DeviceBuffer>> buffers_;
  std::vector<std::unique_ptr<Executable>> executables_;
};

std::unique_ptr<Backend> graph_engine(Precision precision) {
  return make_backend("cuda", {.precision = precision, .engine = Engine::graph});
}

class Bf16CopiesOnTheDevice : public Emulator, public testing::WithParamInterface<PlanCase> {
 protected:
  /// After steps in these pieces.
  static Contents results(const std::vector<StepPlan>& plans, const std::vector<std::int64_t>& pieces) {
    const auto backend = graph_engine(Precision::bf16);
    Plans all(*backend, plans, GetParam().before);
    for (const std::int64_t steps : pieces) all.run(steps);
    return all.floats_of(GetParam().plan);
  }
  static std::uint64_t launches(Precision precision) {
    const auto backend = graph_engine(precision);
    Plans all(*backend, {GetParam().plan}, GetParam().before);
    simt::reset_counters();
    all.run(1);
    return simt::counters().launches;
  }
};

TEST_P(Bf16CopiesOnTheDevice, AreMadeOnceForAllProductsThatReadThem) {
  EXPECT_EQ(launches(Precision::bf16) - launches(Precision::fp32), GetParam().copies);
}

/// Steps in graphs of 16, of 4 and of 1, past the end of an epoch, in whatever order threads and queued work run.
TEST_P(Bf16CopiesOnTheDevice, HoldWhatEachProductWouldCopyItself) {
  const std::vector<StepPlan> plan{GetParam().plan};
  const std::vector<std::int64_t> pieces{20, 3};
  const Contents expected = results(one_by_one(GetParam().plan), std::vector<std::int64_t>(23, 1));
  for (const simt::Schedule& schedule : kSchedules) {
    simt::set_schedule(schedule);
    EXPECT_EQ(results(plan, pieces), expected);
  }
  for (unsigned seed : {0u, 1u}) {
    simt::set_execution(simt::Execution::deferred, seed);
    EXPECT_EQ(results(plan, pieces), expected);
  }
}

INSTANTIATE_TEST_SUITE_P(Each, Bf16CopiesOnTheDevice,
                         testing::Values(autoencoder(), k_sparse_with_tied_weights(), fine_tuning(), evaluation(),
                                         line_search(), operands_that_change()),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace lacuna::test
