#include "cpu/kept_code.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

#include "core/kept_share.h"
#include "cpu/cpu_executable.h"
#include "cpu/split_gemm.h"

namespace lacuna::cpu {

namespace {

/// How k goes.
KeptUnits kept_units(const StepPlan& plan) {
  for (const Operation& operation : plan.operations)
    if (const auto* begin = std::get_if<BeginStep>(&operation)) return begin->kept;
  return {};
}

}  // namespace

std::int64_t units_to_one_kept() {
  constexpr std::int64_t kUsual = 8, kBesideTiles = 32;
  return has_split_gemm() ? kBesideTiles : kUsual;
}

std::int64_t lay_out(KeptEntries& s, int threads, void* memory) {
  std::int64_t at = 0;
  const auto take = [&](std::int64_t elements) {
    std::byte* place = memory ? static_cast<std::byte*>(memory) + at : nullptr;
    at += (elements * 4 + 63) / 64 * 64;
    return place;
  };
  const auto integers = [&](std::int64_t elements) { return reinterpret_cast<std::int32_t*>(take(elements)); };
  s.count = integers(s.rows);
  s.unit = integers(s.rows * s.most);
  s.place = integers(s.rows * s.most);
  s.begin = integers(s.units + 1);
  s.next = integers(threads * s.units);
  s.total = integers(threads);
  s.sample = integers(s.rows * s.most);
  s.value = reinterpret_cast<float*>(take(s.rows * s.most));
  return at;
}

std::unique_ptr<KeptCode> KeptCode::make(const StepPlan& plan, const TopK& op, const StepScalars* scalars,
                                         int threads) {
  const std::int64_t rows = plan[op.values].shape[0], units = plan[op.values].shape[1];
  const KeptUnits k = kept_units(plan);
  const std::int64_t kept = std::min(k.kept, units), ever = std::max(k.start, k.kept),
                     most = std::min(units / units_to_one_kept(), ever);
  constexpr std::int64_t kMost = std::int64_t{1} << 30;  // entries, addressed with 32 bits
  if (kept == 0 || kept > most || rows * most > kMost) return nullptr;

  std::unique_ptr<KeptCode> code(new KeptCode);
  code->scalars_ = scalars;
  code->threads_ = threads;
  code->kept_ = kept;
  code->most_ever_ = ever;
  code->entries_.rows = rows;
  code->entries_.units = units;
  code->entries_.most = most;
  code->memory_ = allocate(lay_out(code->entries_, threads, nullptr), "kept units of a batch");
  lay_out(code->entries_, threads, code->memory_->address());
  return code;
}

std::string KeptCode::remark() const {
  return fmt::format("{} of {} units are kept: products with the code go through those alone", kept_, entries_.units);
}

std::uint32_t* KeptCode::own_bits() {
  if (!bits_) bits_ = allocate(entries_.rows * ((entries_.units + 31) / 32) * 4, "bits of kept units");
  return static_cast<std::uint32_t*>(bits_->address());
}

void KeptCode::list(const std::uint32_t* kept) const {
  kernels().list_kept({entries_, kept, threads_});
}

void KeptCode::product(const float* values, const float* weight, float* out, std::int64_t columns) const {
  kernels().kept_product({entries_, values, weight, out, columns, threads_});
}

void KeptCode::dots(const float* delta, const float* weight, float* gradient, std::int64_t columns) const {
  kernels().kept_dots({entries_, delta, weight, gradient, columns, threads_});
}

void KeptCode::weight_gradient(const float* values, const float* source, float* gradient, std::int64_t columns,
                               bool accumulate) const {
  kernels().kept_gradient({entries_, values, source, gradient, columns, accumulate, threads_});
}

void KeptCode::activation_backward(Activation activation, float* gradient, const float* output, float* bias_gradient,
                                   const ColumnPartials& partials) const {
  kernels().kept_activation_backward(activation, {entries_, gradient, output, bias_gradient, partials, threads_});
}

bool KeptCode::turns(const float* weight, std::int64_t columns) {
  if (weight_) return weight_ == weight;
  weight_ = weight;
  constexpr std::int64_t kBeyond = 16;  // floats that may be read after the last row
  const std::int64_t elements = entries_.units * columns + kBeyond;
  turned_memory_ = allocate(2 * elements * 4, "a turned weight and its gradient");
  turned_ = static_cast<float*>(turned_memory_->address());
  turned_gradient_ = turned_ + elements;
  return true;
}

const float* KeptCode::turn_weight(std::int64_t columns) const {
  kernels().transpose({weight_, entries_.units, turned_, columns, columns, entries_.units, threads_});
  return turned_;
}

void KeptCode::turned_gradient(const float* values, const float* source, float* gradient, std::int64_t columns) const {
  weight_gradient(values, source, turned_gradient_, columns, false);
  kernels().transpose({turned_gradient_, columns, gradient, entries_.units, entries_.units, columns, threads_});
}

}  // namespace lacuna::cpu
