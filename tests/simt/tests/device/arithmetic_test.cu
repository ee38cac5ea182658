#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <climits>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace simt::test {
namespace {

static_assert(sizeof(float3) == 12 && alignof(float3) == 4);
static_assert(alignof(float2) == 8 && alignof(float4) == 16 && alignof(double2) == 16);
static_assert(alignof(uchar4) == 4 && sizeof(uchar4) == 4 && alignof(ushort4) == 8 && alignof(int4) == 16);
static_assert(dim3(7).y == 1 && dim3(uint3{1, 2, 3}).z == 3 && warpSize == 32);

TEST(Types, AreMadeFromTheirElements) {
  const float4 f = make_float4(1, 2, 3, 4);
  EXPECT_EQ(f.x + 10 * f.y + 100 * f.z + 1000 * f.w, 4321);
  const uchar4 u = make_uchar4(1, 2, 3, 255);
  EXPECT_EQ(u.w, 255);
  EXPECT_EQ(make_int2(3, -4).y, -4);
  EXPECT_EQ(make_double2(1, 0.5).y, 0.5);
}

__constant__ float constant_table[2] = {1, 2};
__device__ int device_variable = 4;

TEST(Types, VariablesOfTheDeviceAreVariables) {
  EXPECT_EQ(constant_table[1] + static_cast<float>(device_variable), 6);
}

TEST(Bits, AreReinterpreted) {
  EXPECT_EQ(__float_as_int(1.0f), 0x3f800000);
  EXPECT_EQ(__float_as_uint(-0.0f), 0x80000000u);
  EXPECT_EQ(__int_as_float(0x40000000), 2.0f);
  EXPECT_EQ(__uint_as_float(0x3f000000u), 0.5f);
  EXPECT_EQ(__longlong_as_double(__double_as_longlong(0.1)), 0.1);
}

TEST(Bits, AreCounted) {
  EXPECT_EQ(__popc(0xf0f0u), 8);
  EXPECT_EQ(__popcll(~0ull), 64);
  EXPECT_EQ(__clz(1), 31);
  EXPECT_EQ(__clz(0), 32);
  EXPECT_EQ(__clzll(-1), 0);
  EXPECT_EQ(__ffs(0), 0);
  EXPECT_EQ(__ffs(8), 4);
  EXPECT_EQ(__ffsll(1ll << 40), 41);
  EXPECT_EQ(__brev(1u), 0x80000000u);
  EXPECT_EQ(__brev(0x0000b000u), 0x000d0000u);
  EXPECT_EQ(__byte_perm(0x33221100u, 0x77665544u, 0x7250u), 0x77225500u);
  EXPECT_EQ(__byte_perm(0x80007f01u, 0x4b000000u, 0xba98u), 0xff000000u);  // signs
}

TEST(Bits, OfProducts) {
  EXPECT_EQ(__umulhi(0xffffffffu, 0xffffffffu), 0xfffffffeu);
  EXPECT_EQ(__mulhi(-2, 3), -1);
  EXPECT_EQ(__umul64hi(~0ull, ~0ull), ~0ull - 1);
  EXPECT_EQ(__umul64hi(0x123456789abcdef0ull, 0xfedcba9876543210ull), 0x121fa00ad77d7422ull);
  EXPECT_EQ(__funnelshift_l(0x80000001u, 0x1u, 4), 0x18u);
  EXPECT_EQ(__funnelshift_r(0x80000001u, 0x1u, 4), 0x18000000u);
}

TEST(Math, FastFunctionsAreTheExactOnes) {
  EXPECT_EQ(__expf(1.5f), std::exp(1.5f));
  EXPECT_EQ(__logf(1.5f), std::log(1.5f));
  EXPECT_EQ(__powf(2, 10), 1024);
  EXPECT_EQ(__fdividef(1, 4), 0.25f);
  EXPECT_EQ(rsqrtf(16), 0.25f);
  EXPECT_EQ(__fmaf_rn(1 + 0x1p-12f, 1 + 0x1p-12f, -1), 0x1p-11f + 0x1p-24f);
  EXPECT_EQ(__frcp_rn(4), 0.25f);
}

TEST(Math, SaturateClampsAndDropsNaN) {
  EXPECT_EQ(__saturatef(-1), 0);
  EXPECT_EQ(__saturatef(0.5f), 0.5f);
  EXPECT_EQ(__saturatef(7), 1);
  EXPECT_EQ(__saturatef(NAN), 0);
}

TEST(Math, ConversionsRoundAndSaturate) {
  EXPECT_EQ(__float2int_rn(2.5f), 2);
  EXPECT_EQ(__float2int_rn(3.5f), 4);
  EXPECT_EQ(__float2int_rz(-2.9f), -2);
  EXPECT_EQ(__float2int_rd(-2.1f), -3);
  EXPECT_EQ(__float2int_ru(2.1f), 3);
  EXPECT_EQ(__float2int_rz(1e20f), INT_MAX);
  EXPECT_EQ(__float2int_rz(-1e20f), INT_MIN);
  EXPECT_EQ(__float2int_rz(NAN), 0);
  EXPECT_EQ(__float2uint_rz(-1.0f), 0u);
  EXPECT_EQ(__float2uint_rn(4294967295.0f), UINT_MAX);
}

TEST(Math, MinAndMaxTakeMixedTypes) {
  EXPECT_EQ(min(3, 2), 2);
  EXPECT_EQ(max(3u, 2u), 3u);
  EXPECT_EQ(min(std::int64_t{5}, 7), 5);
  EXPECT_EQ(max(1.5f, 2.0), 2.0);
  EXPECT_EQ(max(NAN, 1.0f), 1.0f);
}

TEST(Memory, HintsDoNotChangeValues) {
  float x = 1;
  __stcs(&x, __ldg(&x) + __ldcs(&x));
  EXPECT_EQ(x, 2);
  const long long before = clock64();
  EXPECT_LE(before, clock64());
}

}  // namespace
}  // namespace simt::test
