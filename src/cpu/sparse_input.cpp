#include "cpu/sparse_input.h"

#include <fmt/format.h>

#include <algorithm>

#include "cpu/cpu_executable.h"

namespace lacuna::cpu {

namespace {

constexpr std::int64_t kWidestVector = 16;  // floats

std::int64_t padded_units(std::int64_t units) {
  return (units + kWidestVector - 1) / kWidestVector * kWidestVector;
}

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

/// The widest layer that reads `batch`, and whether its weight gradient is wanted.
struct Readers {
  std::int64_t units = 0;
  bool backward = false;
};
Readers readers_of(const StepPlan& plan, BufferId batch) {
  Readers readers;
  for (const Operation& operation : plan.operations) {
    if (const auto* forward = std::get_if<DenseForward>(&operation); forward && forward->input == batch)
      readers.units = std::max(readers.units, plan[forward->weight].shape[0]);
    if (const auto* backward = std::get_if<DenseBackward>(&operation); backward && backward->input == batch)
      readers.backward = true;
  }
  return readers;
}

}  // namespace

std::unique_ptr<SparseInput> SparseInput::make(const StepPlan& plan, const Gather& gather, const void* data,
                                               const float* batch, int threads) {
  const Buffer& source = plan[gather.data];
  const std::int64_t samples = plan[gather.batch].shape[0], features = source.shape[1];
  const Readers readers = readers_of(plan, gather.batch);
  constexpr std::int64_t kFewest = 32, kMost = std::int64_t{1} << 30;
  if (readers.units < kFewest || samples < kFewest || features < kFewest || samples * features > kMost) return nullptr;
  const double density = measure_density(data, source.dtype, source.shape[0], features);
  if (density > kDensity) return nullptr;

  std::unique_ptr<SparseInput> input(new SparseInput);
  input->batch_ = batch;
  input->samples_ = samples;
  input->features_ = features;
  input->threads_ = threads;
  input->density_ = density;
  const auto place = [](TiledSparse& matrix, std::int64_t rows, std::int64_t depth) {
    const std::int64_t tile_depth = kernels().sparse_tile_depth;
    const std::int64_t bytes = lay_out(matrix, rows, depth, tile_depth, nullptr);
    auto memory = allocate(bytes, "nonzero values of a batch");
    lay_out(matrix, rows, depth, tile_depth, memory->address());
    return memory;
  };
  input->sample_memory_ = place(input->by_sample_, samples, features);
  if (readers.backward) input->feature_memory_ = place(input->by_feature_, features, samples);
  input->transposed_ = allocate(features * padded_units(readers.units) * 4 + kOverrun, "a transposed weight");
  return input;
}

std::string SparseInput::remark() const {
  return fmt::format("{:.0f}% of the input values are nonzero: products with the input go through those alone",
                     100 * density_);
}

void SparseInput::forward(const float* weight, float* out, std::int64_t units) const {
  auto* transposed = static_cast<float*>(transposed_->address());
  const std::int64_t stride = padded_units(units);
  kernels().compress({batch_, by_sample_, by_feature_, threads_});
  kernels().transpose({weight, features_, transposed, stride, units, features_, threads_});
  kernels().sparse_product({by_sample_, transposed, stride, out, units, units, threads_});
}

void SparseInput::weight_gradient(const float* delta, float* gradient, std::int64_t units) const {
  auto* transposed = static_cast<float*>(transposed_->address());
  const std::int64_t stride = padded_units(units);
  kernels().sparse_product({by_feature_, delta, units, transposed, stride, units, threads_});
  kernels().transpose({transposed, stride, gradient, features_, features_, units, threads_});
}

}  // namespace lacuna::cpu
