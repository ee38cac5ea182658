#include "product_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include "lacuna/error.h"
#include "resident/resident_plan.h"
#include "runtime/event.h"
#include "runtime/graph.h"

namespace lacuna::cuda {

namespace {

/// cuBLAS's own choice unless another one is clearly faster.
constexpr double kClearly = 0.9;
constexpr const char* kDefault = "default";

ProductMeter& product_meter() {
  static ProductMeter meter;
  return meter;
}

double seconds_of(const ProductShape& shape, const std::string& algorithm, const std::function<double()>& measure) {
  return product_meter() ? product_meter()(shape, algorithm, measure) : measure();
}

/// The shapes of those of a plan's products for which an algorithm can be chosen.
std::set<ProductShape> shapes_of(const StepPlan& plan, const PlanLayout& layout, Precision precision) {
  std::set<ProductShape> shapes;
  const Bf16Copies copies(plan);
  for (const Operation& operation : plan.operations)
    for (const PlannedProduct& product : products_of(plan, operation))
      if (addresses_of(product, layout, copies, precision).aligned()) shapes.insert(product.shape);
  return shapes;
}

constexpr const char* kOperandsPurpose = "the operands of products that are tried";

/// Operands and result of products of one shape, uniform in [-1, 1]; others with another seed.
class Operands {
 public:
  Operands(const ProductShape& s, Precision precision, const Workspace& workspace, int seed = 1)
      : narrow_(precision == Precision::bf16),
        seed_(static_cast<std::uint64_t>(seed)),
        elements_(s.m * s.n),
        a_(operand(s.m * s.k, workspace, 1)),
        b_(operand(s.k * s.n, workspace, 2)),
        c_(4 * s.m * s.n, kOperandsPurpose) {
    begin_again(workspace);
  }

  /// What products are added to, as it was.
  void begin_again(const Workspace& workspace) const { fill_uniform(workspace, c(), elements_, 1, seed_, 3); }
  const void* a() const { return a_.get(); }
  const void* b() const { return b_.get(); }
  const void* to() const { return c_.get(); }
  std::vector<float> result(const Workspace& workspace) const {
    std::vector<float> values(static_cast<std::size_t>(elements_));
    LACUNA_CUDA(cudaMemcpyAsync(values.data(), c_.get(), values.size() * sizeof(float), cudaMemcpyDeviceToHost,
                                workspace.stream));
    LACUNA_CUDA(cudaStreamSynchronize(workspace.stream));
    return values;
  }

  void multiply(const Cublas& cublas, const ProductShape& s) const {
    const auto with = [&](const auto* a, const auto* b) {
      cublas.gemm_row_major(s.transpose_a, s.transpose_b, s.m, s.n, s.k, a, b, c(), s.accumulate);
    };
    if (narrow_)
      with(as<std::uint16_t>(a_), as<std::uint16_t>(b_));
    else
      with(as<float>(a_), as<float>(b_));
  }
  void multiply(const LtProduct& product) const { product(a_.get(), b_.get(), c()); }

 private:
  template <class T>
  static T* as(const DeviceMemory& memory) {
    return reinterpret_cast<T*>(memory.get());
  }
  float* c() const { return as<float>(c_); }

  DeviceMemory operand(std::int64_t elements, const Workspace& workspace, std::uint32_t stream) const {
    DeviceMemory values(4 * elements, kOperandsPurpose);
    fill_uniform(workspace, as<float>(values), elements, 1, seed_, stream);
    if (!narrow_) return values;
    DeviceMemory copy(2 * elements, kOperandsPurpose);
    cuda::narrow(workspace, {as<float>(values), as<std::uint16_t>(copy), elements});
    LACUNA_CUDA(cudaStreamSynchronize(workspace.stream));  // the values go
    return copy;
  }

  bool narrow_;
  std::uint64_t seed_;
  std::int64_t elements_;
  DeviceMemory a_, b_, c_;
};

/// Whether a product has the bits that it has alone in batches of few and of many, too, wherever it stands in them. The
/// library promises nothing of the kind, so it is tried.
bool has_same_bits_in_batches(const LtProduct& product, const ProductShape& shape, const CublasLt& library,
                              const Workspace& workspace) {
  constexpr int kFew = 2, kMany = 8;
  if (!library.batch(product, kFew) || !library.batch(product, kMany)) return false;
  std::vector<Operands> all;
  std::vector<std::vector<float>> alone;
  for (int i = 0; i < kMany; ++i) {
    const Operands& operands = all.emplace_back(shape, library.cublas().precision(), workspace, i);
    operands.multiply(product);
    alone.push_back(operands.result(workspace));
  }
  std::vector<const void*> addresses;
  for (const auto& which : {&Operands::a, &Operands::b, &Operands::to})
    for (const Operands& operands : all) addresses.push_back((operands.*which)());
  const std::size_t bytes = addresses.size() * sizeof(void*);
  const DeviceMemory table(static_cast<std::int64_t>(bytes), kOperandsPurpose);
  LACUNA_CUDA(cudaMemcpyAsync(table.get(), addresses.data(), bytes, cudaMemcpyHostToDevice, workspace.stream));
  auto* operands = reinterpret_cast<const void* const*>(table.get());
  auto* results = reinterpret_cast<float* const*>(table.get()) + 2 * kMany;
  for (const int count : {kFew, kMany}) {
    const auto batch = library.batch(product, count);
    const DeviceMemory room(std::max<std::int64_t>(1, batch->workspace_bytes()), kOperandsPurpose);
    for (const Operands& each : all) each.begin_again(workspace);
    (*batch)(operands, operands + kMany, results, room);
    for (int i = 0; i < count; ++i)
      if (all[static_cast<std::size_t>(i)].result(workspace) != alone[static_cast<std::size_t>(i)]) return false;
  }
  return true;
}

/// Of one product among several in a graph, as in a step: launching them one by one would take longer than many take.
double seconds_of_one(cudaStream_t stream, const std::function<void()>& product) {
  constexpr int kProducts = 20, kRounds = 5;
  const Graph graph = Graph::capture(stream, [&] {
    for (int i = 0; i < kProducts; ++i) product();
  });
  const Event begin(Event::Timing::on), end(Event::Timing::on);
  double fastest = std::numeric_limits<double>::infinity();
  for (int round = 0; round <= kRounds; ++round) {
    begin.record(stream);
    graph.launch(stream);
    end.record(stream);
    end.synchronize();
    // The first round loads kernels.
    if (round > 0) fastest = std::min(fastest, 1e-3 * end.milliseconds_since(begin));
  }
  return fastest / kProducts;
}

std::string parts_text(const LtProduct& product) {
  return product.parts() > 1 ? fmt::format(" in {} parts", product.parts()) : std::string();
}

}  // namespace

void set_product_meter(ProductMeter meter) {
  product_meter() = std::move(meter);
}

ProductChoice::ProductChoice(const Stream& stream, const Cublas& cublas, const ProductOptions& asked)
    : stream_(stream), cublas_(cublas), asked_(asked) {
  if (asked.measured || asked.batched || !asked.algorithms.empty()) library_.emplace(cublas);
}

PlanProducts ProductChoice::choose(const StepPlan& plan, const PlanLayout& layout) {
  if (!library_ || !is_training_step(plan)) return PlanProducts(cublas_);
  const std::set<ProductShape> shapes = shapes_of(plan, layout, cublas_.precision());
  PlanProducts::Chosen chosen;
  std::string all;
  for (const ProductShape& shape : shapes) {
    const Choice& made = choice(shape, layout.workspace(stream_.get()));
    if (!made.product) continue;
    chosen[shape] = made.product;
    all += (all.empty() ? ": " : "; ") + made.remark;
  }
  const char* how = asked_.measured ? "by measurement" : asked_.batched ? "batched" : "on record";
  std::string remark =
      fmt::format("products {}: {} of {} shapes by cuBLASLt{}", how, chosen.size(), shapes.size(), all);
  return PlanProducts(cublas_, std::move(chosen), {std::move(remark)});
}

const ProductChoice::Choice& ProductChoice::choice(const ProductShape& shape, const Workspace& workspace) {
  const auto found = choices_.find(shape);
  if (found != choices_.end()) return found->second;
  return choices_[shape] = asked_.measured  ? measured(shape, workspace)
                           : asked_.batched ? for_batches(shape, workspace)
                                            : recorded(shape);
}

ProductChoice::Choice ProductChoice::measured(const ProductShape& shape, const Workspace& workspace) const {
  Choice best;
  try {
    const Operands operands(shape, cublas_.precision(), workspace);
    const auto seconds = [&](const std::string& algorithm, const std::function<void()>& product) {
      return seconds_of(shape, algorithm, [&] { return seconds_of_one(stream_.get(), product); });
    };
    const double usual = seconds(kDefault, [&] { operands.multiply(cublas_, shape); });
    double least = kClearly * usual;
    for (const LtProduct& product : library_->products(shape)) {
      const double taken = seconds(product.algorithm(), [&] { operands.multiply(product); });
      if (!(taken < least)) continue;
      least = taken;
      best = {std::make_shared<const LtProduct>(product), fmt::format("{}{}, {:.1f} us, not {:.1f}", to_string(shape),
                                                                      parts_text(product), 1e6 * taken, 1e6 * usual)};
    }
    stream_.synchronize();        // the operands go
  } catch (const MemoryError&) {  // nothing to measure with
    return {};
  }
  return best;
}

/// Out of memory is an error here: another algorithm would be another model.
ProductChoice::Choice ProductChoice::for_batches(const ProductShape& shape, const Workspace& workspace) const {
  for (const LtProduct& product : library_->products(shape))
    if (has_same_bits_in_batches(product, shape, *library_, workspace))
      return {std::make_shared<const LtProduct>(product), to_string(shape) + parts_text(product)};
  return {};
}

ProductChoice::Choice ProductChoice::recorded(const ProductShape& shape) const {
  const auto wanted = asked_.algorithms.find(to_string(shape));
  if (wanted == asked_.algorithms.end()) return {};
  for (const LtProduct& product : library_->products(shape))
    if (product.algorithm() == wanted->second)
      return {std::make_shared<const LtProduct>(product), to_string(shape) + parts_text(product)};
  throw InputError(fmt::format(
      "the products on record cannot be had: cuBLASLt {} has no algorithm {} for {} on this GPU; go on with --products "
      "default or measured, which gives other last bits",
      CublasLt::version(), wanted->second, wanted->first));
}

}  // namespace lacuna::cuda
