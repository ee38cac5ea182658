#include "cpu/sparse_input.h"

#include <fmt/format.h>

#include <algorithm>

#include "cpu/cpu_executable.h"
#include "cpu/split_gemm.h"

namespace lacuna::cpu {

namespace {

/// Share of nonzero values in up to 256 rows spread evenly over the data.
double measure_density(const void* data, DType type, std::int64_t rows, std::int64_t columns) {
  const std::int64_t looked_at = std::min<std::int64_t>(rows, 256);
  std::int64_t nonzero = 0;
  for (std::int64_t i = 0; i < looked_at; ++i) {
    const std::int64_t begin = rows * i / looked_at * columns;
    for (std::int64_t j = begin; j < begin + columns; ++j)
      nonzero += type == DType::u8 ? static_cast<const std::uint8_t*>(data)[j] != 0
                                   : static_cast<const float*>(data)[j] != 0.0f;
  }
  return static_cast<double>(nonzero) / static_cast<double>(looked_at * columns);
}

/// Units of the widest layer that reads `batch`.
std::int64_t widest_reader(const StepPlan& plan, BufferId batch) {
  std::int64_t units = 0;
  for (const Operation& operation : plan.operations)
    if (const auto* forward = std::get_if<DenseForward>(&operation); forward && forward->input == batch)
      units = std::max(units, plan[forward->weight].shape[0]);
  return units;
}

}  // namespace

std::unique_ptr<SparseInput> SparseInput::make(const StepPlan& plan, const Gather& gather, const void* data,
                                               const float* batch, int threads) {
  const Buffer& source = plan[gather.data];
  const std::int64_t samples = plan[gather.batch].shape[0], features = source.shape[1];
  const std::int64_t units = widest_reader(plan, gather.batch);
  constexpr std::int64_t kMost = std::int64_t{1} << 30;  // entries, addressed with 32 bits
  const bool beside_tiles = has_split_gemm() && fills_tiles(samples, units, features);
  const std::int64_t fewest = beside_tiles ? kFewestSamplesBesideTiles : kernels().sparse_fewest_samples;
  if (units < kFewestUnits || samples < fewest || samples * features > kMost) return nullptr;
  const double density = measure_density(data, source.dtype, source.shape[0], features);
  if (density > (beside_tiles ? kDensityBesideTiles : kDensity)) return nullptr;

  std::unique_ptr<SparseInput> input(new SparseInput);
  input->batch_ = batch;
  input->features_ = features;
  input->threads_ = threads;
  input->density_ = density;
  const std::int64_t depth = kernels().sparse_tile_depth;
  const std::int64_t bytes = lay_out(input->values_, samples, features, depth, nullptr);
  input->memory_ = allocate(bytes, "nonzero values of a batch");
  lay_out(input->values_, samples, features, depth, input->memory_->address());
  return input;
}

std::string SparseInput::remark() const {
  return fmt::format("{:.0f}% of the input values are nonzero: products with the input go through those alone",
                     100 * density_);
}

void SparseInput::forward(const float* weight, float* out, std::int64_t units) const {
  kernels().sparse_product({values_, weight, out, units, threads_});
}

void SparseInput::weight_gradient(const float* delta, float* gradient, std::int64_t units) const {
  kernels().sparse_gradient({values_, delta, gradient, units, threads_});
}

}  // namespace lacuna::cpu
