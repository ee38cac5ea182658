#include "device/tensor_cores.h"

#include <algorithm>
#include <bit>
#include <cstdint>

#include "device/context.h"

namespace simt {
namespace {

constexpr unsigned kAllLanes = 0xffffffffu;

float tf32(unsigned bits) {
  return std::bit_cast<float>(bits & ~0x1FFFU);
}
float bf16(unsigned pair, int which) {
  return detail::from_bf16(static_cast<std::uint16_t>(pair >> 16 * which));
}

// A and B of a warp, collected from its lanes.
template <int kDepth>
struct Operands {
  float a[16][kDepth], b[kDepth][8];

  void multiply(MmaFragment* const (&lanes)[32]) const {
    for (int lane = 0; lane < 32; ++lane) {
      for (int i = 0; i < 4; ++i) {
        const int row = lane / 4 + 8 * (i / 2), column = lane % 4 * 2 + i % 2;
        float& sum = lanes[lane]->c[i];
        for (int k = 0; k < kDepth; ++k) sum += a[row][k] * b[k][column];
      }
    }
  }
};

void meet(const char* call, Operation operation, float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2],
          const Site& site) {
  MmaFragment mine{{a[0], a[1], a[2], a[3]}, {b[0], b[1]}, {c[0], c[1], c[2], c[3]}};
  // It lies on this thread's stack, which stays as it is until the warp has met.
  wait(State::at_warp, {.site = site,
                        .call = call,
                        .operation = operation,
                        .mask = kAllLanes,
                        .value = reinterpret_cast<std::uintptr_t>(&mine)});
  std::copy(mine.c, mine.c + 4, c);
}

}  // namespace

void mma_m16n8k8_tf32(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2], Site site) {
  meet("mma_m16n8k8_tf32", Operation::mma_tf32, c, a, b, site);
}
void mma_m16n8k16_bf16(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2], Site site) {
  meet("mma_m16n8k16_bf16", Operation::mma_bf16, c, a, b, site);
}

void multiply_tf32(MmaFragment* const (&lanes)[32]) {
  Operands<8> operands;
  for (int lane = 0; lane < 32; ++lane) {
    const int g = lane / 4, t = lane % 4;
    for (int i = 0; i < 4; ++i) operands.a[g + 8 * (i % 2)][t + 4 * (i / 2)] = tf32(lanes[lane]->a[i]);
    for (int i = 0; i < 2; ++i) operands.b[t + 4 * i][g] = tf32(lanes[lane]->b[i]);
  }
  operands.multiply(lanes);
}

void multiply_bf16(MmaFragment* const (&lanes)[32]) {
  Operands<16> operands;
  for (int lane = 0; lane < 32; ++lane) {
    const int g = lane / 4, t = lane % 4;
    for (int which = 0; which < 2; ++which) {
      for (int i = 0; i < 4; ++i)
        operands.a[g + 8 * (i % 2)][2 * t + 8 * (i / 2) + which] = bf16(lanes[lane]->a[i], which);
      for (int i = 0; i < 2; ++i) operands.b[2 * t + 8 * i + which][g] = bf16(lanes[lane]->b[i], which);
    }
  }
  operands.multiply(lanes);
}

bool is_tf32(const MmaFragment& fragment) {
  const auto rounded = [](unsigned bits) {
    const auto value = std::bit_cast<float>(bits);
    return value != value || (bits & 0x1FFFU) == 0;
  };
  return std::all_of(fragment.a, fragment.a + 4, rounded) && std::all_of(fragment.b, fragment.b + 2, rounded);
}

}  // namespace simt
