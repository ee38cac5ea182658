// What a line search does with whole slabs, and bfloat16 copies.

#include <fmt/format.h>

#include <algorithm>

#include "gpu/kernel_case.h"

namespace lacuna::bench {

namespace {

constexpr std::int64_t kMainJob = 2 * 784 * 200 + 784 + 200, kMillion = 1 << 20;

std::vector<const float*> vectors(Operands& own, std::int64_t count, std::int64_t elements) {
  std::vector<const float*> list;
  for (std::int64_t v = 0; v < count; ++v) list.push_back(own.around_zero(elements));
  return list;
}

KernelCase dots(std::int64_t left, std::int64_t right, std::int64_t elements, int multiprocessors) {
  const double bytes = 4.0 * static_cast<double>((left + right) * elements);
  KernelCase c{fmt::format("dots/{}x{}/{}", left, right, elements),
               bytes,
               bytes,
               cuda::dots_needs(left * right, elements, multiprocessors),
               {}};
  c.make = [=](Operands&, Operands& own) -> KernelCase::Call {
    cuda::DotsArgs arguments{vectors(own, left, elements), vectors(own, right, elements), elements,
                             own.repeat(left * right, std::vector<double>{0.0})};
    return [arguments](const cuda::Workspace& workspace) { cuda::dots(workspace, arguments); };
  };
  return c;
}

KernelCase combine(std::int64_t count, std::int64_t elements) {
  const double bytes = 4.0 * static_cast<double>((count + 1) * elements);
  KernelCase c{fmt::format("combine/{}/{}", count, elements), bytes, bytes, {}, {}};
  c.make = [=](Operands&, Operands& own) -> KernelCase::Call {
    const cuda::CombineArgs arguments{vectors(own, count, elements), own.repeat(count, std::vector<double>{0.5}),
                                      elements, own.unit(elements)};
    return [arguments](const cuda::Workspace& workspace) { cuda::combine(workspace, arguments); };
  };
  return c;
}

KernelCase narrow(std::int64_t elements) {
  const double bytes = 6.0 * static_cast<double>(elements);
  KernelCase c{fmt::format("narrow/{}", elements), bytes, bytes, {}, {}};
  c.make = [=](Operands&, Operands& own) -> KernelCase::Call {
    const cuda::NarrowArgs arguments{own.around_zero(elements), own.repeat(elements, std::vector<std::uint16_t>{0}),
                                     elements};
    return [arguments](const cuda::Workspace& workspace) { cuda::narrow(workspace, arguments); };
  };
  return c;
}

KernelCase decay_gradients(std::int64_t elements) {
  const double slab = 4.0 * static_cast<double>(elements);
  const std::int64_t count = (elements + cuda::kSegmentElements - 1) / cuda::kSegmentElements;
  KernelCase c{fmt::format("decay_gradients/{}", elements), 3 * slab, 2 * slab, {.value_partials = count}, {}};
  c.make = [=](Operands& shared, Operands& own) -> KernelCase::Call {
    std::vector<cuda::UpdateSegment> segments;
    for (std::int64_t begin = 0; begin < elements; begin += cuda::kSegmentElements)
      segments.push_back(
          {begin, static_cast<std::int32_t>(std::min<std::int64_t>(cuda::kSegmentElements, elements - begin)), 1});
    const cuda::DecayGradientsArgs arguments{own.around_zero(elements),
                                             own.around_zero(elements),
                                             shared.repeat(count, segments),
                                             count,
                                             1e-3,
                                             own.one(0.0)};
    return [=](const cuda::Workspace& workspace) { cuda::decay_gradients(workspace, arguments); };
  };
  return c;
}

}  // namespace

void add_vector_cases(std::vector<KernelCase>& cases, int multiprocessors) {
  for (const std::int64_t elements : {kMainJob, 16 * kMillion}) {
    cases.push_back(dots(1, 2, elements, multiprocessors));
    cases.push_back(dots(3, 21, elements, multiprocessors));
    cases.push_back(combine(21, elements));
    cases.push_back(narrow(elements));
    cases.push_back(decay_gradients(elements));
  }
  cases.push_back(decay_gradients(136 * kMillion));
}

}  // namespace lacuna::bench
