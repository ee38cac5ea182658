#include "gpu/operands.h"

#include <algorithm>
#include <random>
#include <utility>

namespace lacuna::bench {

namespace {

constexpr std::int64_t kPattern = 262'139;  // prime, so that rows of a matrix differ

template <class T, class Draw>
std::vector<T> draw(const Draw& next) {
  std::mt19937 generator(1);
  std::vector<T> values(kPattern);
  for (T& value : values) value = next(generator);
  return values;
}

}  // namespace

float* Operands::unit(std::int64_t count) {
  static const auto values = draw<float>([](auto& g) { return std::uniform_real_distribution<float>(0.0f, 1.0f)(g); });
  return repeat(count, values);
}

float* Operands::around_zero(std::int64_t count) {
  static const auto values = draw<float>([](auto& g) { return std::uniform_real_distribution<float>(-1.0f, 1.0f)(g); });
  return repeat(count, values);
}

std::uint8_t* Operands::bytes(std::int64_t count) {
  static const auto values = draw<std::uint8_t>([](auto& g) { return static_cast<std::uint8_t>(g() % 256); });
  return repeat(count, values);
}

std::byte* Operands::take(std::int64_t count, const void* pattern, std::int64_t pattern_bytes) {
  constexpr std::int64_t kAlignment = 256;  // as cudaMalloc's
  const std::int64_t offset = std::exchange(taken_, taken_ + (count + kAlignment - 1) / kAlignment * kAlignment);
  if (!memory_) return nullptr;
  std::byte* const piece = memory_ + offset;
  if (!fill_) return piece;
  std::int64_t filled = std::min(count, pattern_bytes);
  LACUNA_CUDA(cudaMemcpy(piece, pattern, static_cast<std::size_t>(filled), cudaMemcpyHostToDevice));
  while (filled < count) {
    const std::int64_t more = std::min(filled, count - filled);
    LACUNA_CUDA(cudaMemcpy(piece + filled, piece, static_cast<std::size_t>(more), cudaMemcpyDeviceToDevice));
    filled += more;
  }
  return piece;
}

}  // namespace lacuna::bench
