#include <cuda_runtime.h>
#include <gmock/gmock.h>

#include <cmath>
#include <random>
#include <vector>

#include "tests/device/launch.h"

namespace simt::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// The two instructions, and where the figures of the PTX ISA put each element: lane, register, half of it.
struct Place {
  int lane, index, half;
};

struct Tf32 {
  static constexpr int kDepth = 8;
  static constexpr double kUlp = 0x1p-10;
  static void mma(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2]) { mma_m16n8k8_tf32(c, a, b); }
  static Place of_a(int row, int k) { return {row % 8 * 4 + k % 4, row / 8 + k / 4 * 2, 0}; }
  static Place of_b(int k, int column) { return {column * 4 + k % 4, k / 4, 0}; }
  static float rounded(float value) { return std::bit_cast<float>(to_tf32(value)); }
  static void put(unsigned& at, float value, int) { at = to_tf32(value); }
};

struct Bf16 {
  static constexpr int kDepth = 16;
  static constexpr double kUlp = 0x1p-7;
  static void mma(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2]) { mma_m16n8k16_bf16(c, a, b); }
  static Place of_a(int row, int k) { return {row % 8 * 4 + k % 8 / 2, row / 8 + k / 8 * 2, k % 2}; }
  static Place of_b(int k, int column) { return {column * 4 + k % 8 / 2, k / 8, k % 2}; }
  static float rounded(float value) { return std::bit_cast<float>(to_bf16_pair(0, value)); }
  static void put(unsigned& at, float value, int half) {
    at |= half == 0 ? to_bf16_pair(value, 0) : to_bf16_pair(0, value);
  }
};

Place of_c(int row, int column) {
  return {row % 8 * 4 + column / 2, row / 8 * 2 + column % 2, 0};
}

template <class Format>
__global__ void multiply(MmaFragment* fragments) {
  MmaFragment& mine = fragments[threadIdx.x];
  Format::mma(mine.c, mine.a, mine.b);
}

using Matrix = std::vector<std::vector<float>>;

Matrix matrix(int rows, int columns) {
  return Matrix(static_cast<std::size_t>(rows), std::vector<float>(static_cast<std::size_t>(columns)));
}
Matrix random_matrix(int rows, int columns, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  Matrix values = matrix(rows, columns);
  for (auto& row : values)
    for (float& value : row) value = uniform(generator);
  return values;
}

template <class Format>
std::vector<MmaFragment> fragments_of(const Matrix& a, const Matrix& b, const Matrix& c) {
  std::vector<MmaFragment> fragments(32, MmaFragment{});
  for (int row = 0; row < 16; ++row)
    for (int k = 0; k < Format::kDepth; ++k) {
      const Place place = Format::of_a(row, k);
      Format::put(fragments[place.lane].a[place.index], a[row][k], place.half);
    }
  for (int k = 0; k < Format::kDepth; ++k)
    for (int column = 0; column < 8; ++column) {
      const Place place = Format::of_b(k, column);
      Format::put(fragments[place.lane].b[place.index], b[k][column], place.half);
    }
  for (int row = 0; row < 16; ++row)
    for (int column = 0; column < 8; ++column)
      fragments[of_c(row, column).lane].c[of_c(row, column).index] = c[row][column];
  return fragments;
}

// c + a b on the emulated tensor core.
template <class Format>
Matrix product(const Matrix& a, const Matrix& b, const Matrix& c) {
  std::vector<MmaFragment> fragments = fragments_of<Format>(a, b, c);
  launch({1, 32}, multiply<Format>, fragments.data());
  Matrix result = matrix(16, 8);
  for (int row = 0; row < 16; ++row)
    for (int column = 0; column < 8; ++column)
      result[row][column] = fragments[of_c(row, column).lane].c[of_c(row, column).index];
  return result;
}

template <class Format>
class TensorCores : public testing::Test {};
using Formats = testing::Types<Tf32, Bf16>;
TYPED_TEST_SUITE(TensorCores, Formats);

TYPED_TEST(TensorCores, AgreeWithTheDefinition) {
  constexpr int kDepth = TypeParam::kDepth;
  const Matrix a = random_matrix(16, kDepth, 1), b = random_matrix(kDepth, 8, 2), c = random_matrix(16, 8, 3);
  Matrix got;
  EXPECT_TRUE(same_in_all_schedules([&] { return got = product<TypeParam>(a, b, c); }));
  double lost = 0;
  for (int row = 0; row < 16; ++row)
    for (int column = 0; column < 8; ++column) {
      double sum = c[row][column], exact = sum, magnitude = std::abs(sum);
      for (int k = 0; k < kDepth; ++k) {
        const double term = double{TypeParam::rounded(a[row][k])} * double{TypeParam::rounded(b[k][column])};
        sum += term;
        magnitude += std::abs(term);
        exact += double{a[row][k]} * double{b[k][column]};
      }
      EXPECT_NEAR(got[row][column], sum, 1e-6 * magnitude) << row << ' ' << column;
      lost = std::max(lost, std::abs(got[row][column] - exact));
    }
  EXPECT_GT(lost, TypeParam::kUlp / 8);  // operands have been rounded
  EXPECT_LT(lost, TypeParam::kUlp * 4);
}

// Each element of A alone picks its row of B, whose elements all differ, into its row of C.
TYPED_TEST(TensorCores, HoldEachElementWhereThePtxIsaSays) {
  constexpr int kDepth = TypeParam::kDepth;
  Matrix b = matrix(kDepth, 8);
  for (int k = 0; k < kDepth; ++k)
    for (int column = 0; column < 8; ++column) b[k][column] = static_cast<float>(1 + 8 * k + column);
  for (int row = 0; row < 16; ++row)
    for (int k = 0; k < kDepth; ++k) {
      Matrix a = matrix(16, kDepth), expected = matrix(16, 8);
      a[row][k] = 1;
      expected[row] = b[k];
      EXPECT_EQ(product<TypeParam>(a, b, matrix(16, 8)), expected) << "A(" << row << ", " << k << ")";
    }
}

TEST(TensorCoreFormats, RoundAsTheInstructionsOfTheDevice) {
  EXPECT_EQ(to_tf32(1.0f + 0x1p-11f), std::bit_cast<unsigned>(1.0f + 0x1p-10f));  // ties away from zero
  EXPECT_EQ(to_tf32(-1.0f - 0x1p-11f), std::bit_cast<unsigned>(-1.0f - 0x1p-10f));
  EXPECT_EQ(to_tf32(1.0f + 0x1.8p-12f), std::bit_cast<unsigned>(1.0f));
  EXPECT_EQ(to_bf16_pair(1.0f + 0x1p-8f, 1.0f + 0x1.8p-7f), 0x3F823F80u);  // ties to even, the first in the lower half
  EXPECT_EQ(to_bf16_pair(-2.0f, 0.0f), 0x0000C000u);
}

// Planted bugs.

constexpr int kHalfTheWarp = __LINE__;
template <class Format>
__global__ void half_the_warp(MmaFragment* fragments) {
  MmaFragment& mine = fragments[threadIdx.x];
  if (threadIdx.x < 16) Format::mma(mine.c, mine.a, mine.b);
  __syncthreads();
}

TYPED_TEST(TensorCores, MissHalfTheWarp) {
  std::vector<MmaFragment> fragments(32, MmaFragment{});
  EXPECT_THAT(fault_of({1, 32}, half_the_warp<TypeParam>, fragments.data()),
              AllOf(HasSubstr("thread (0,0,0) waits in mma_m16n8k"),
                    HasSubstr("for thread (16,0,0), but thread (16,0,0) waits in __syncthreads() at " +
                              place(__FILE__, kHalfTheWarp + 5))));
}

template <class Format>
__global__ void exited_lane(MmaFragment* fragments) {
  if (threadIdx.x == 31) return;
  MmaFragment& mine = fragments[threadIdx.x];
  Format::mma(mine.c, mine.a, mine.b);
}

TYPED_TEST(TensorCores, MissALaneThatHasExited) {
  std::vector<MmaFragment> fragments(32, MmaFragment{});
  EXPECT_THAT(fault_of({1, 32}, exited_lane<TypeParam>, fragments.data()),
              AllOf(HasSubstr("waits in mma_m16n8k"), HasSubstr("which names thread (31,0,0), which has exited")));
}

TYPED_TEST(TensorCores, MissTheLanesBeyondTheBlock) {
  std::vector<MmaFragment> fragments(32, MmaFragment{});
  EXPECT_THAT(fault_of({1, 20}, multiply<TypeParam>, fragments.data()),
              HasSubstr("which names lane 20 beyond the block's 20 threads"));
}

// Each half of the warp has a product of its own.
template <class Format>
__global__ void two_places(MmaFragment* fragments) {
  MmaFragment& mine = fragments[threadIdx.x];
  if (threadIdx.x < 16) {
    mma_m16n8k8_tf32(mine.c, mine.a, mine.b);
  } else {
    Format::mma(mine.c, mine.a, mine.b);
  }
}

TYPED_TEST(TensorCores, MissLanesThatAreElsewhere) {
  std::vector<MmaFragment> fragments(32, MmaFragment{});
  EXPECT_THAT(fault_of({1, 32}, two_places<TypeParam>, fragments.data()),
              HasSubstr("while, with the same mask 0xffffffff, thread (16,0,0) waits in mma_m16n8k"));
}

__global__ void not_rounded(MmaFragment* fragments) {
  MmaFragment& mine = fragments[threadIdx.x];
  mine.b[1] = __float_as_uint(threadIdx.x == 9 ? 0.1f : 0.5f);
  mma_m16n8k8_tf32(mine.c, mine.a, mine.b);
}

TEST(TensorCoreFormats, AnOperandMustHaveBeenRounded) {
  std::vector<MmaFragment> fragments(32, MmaFragment{});
  EXPECT_THAT(fault_of({1, 32}, not_rounded, fragments.data()),
              AllOf(HasSubstr("thread (9,0,0) waits in mma_m16n8k8_tf32()"), HasSubstr("more digits than TF32")));
}

}  // namespace
}  // namespace simt::test
