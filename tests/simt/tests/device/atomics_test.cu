#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <climits>
#include <vector>

#include "tests/device/launch.h"

namespace simt::test {
namespace {

template <class T>
__global__ void add_all(T* total, T each) {
  atomicAdd(total, each);
}

template <class T>
void expect_added() {
  T total = 3;
  launch({7, 33}, add_all<T>, &total, T{2});
  EXPECT_EQ(total, T{3 + 2 * 7 * 33});
}

TEST(Atomics, Add) {
  expect_added<int>();
  expect_added<unsigned>();
  expect_added<unsigned long long>();
  expect_added<float>();
  expect_added<double>();
}

TEST(Atomics, ReturnTheOldValue) {
  int i = 5;
  EXPECT_EQ(atomicAdd(&i, 2), 5);
  EXPECT_EQ(atomicSub(&i, 10), 7);
  EXPECT_EQ(atomicExch(&i, 4), -3);
  EXPECT_EQ(atomicMin(&i, 9), 4);
  EXPECT_EQ(atomicMax(&i, 9), 4);
  EXPECT_EQ(atomicCAS(&i, 8, 1), 9);
  EXPECT_EQ(atomicCAS(&i, 9, 12), 9);
  EXPECT_EQ(atomicAnd(&i, 6), 12);
  EXPECT_EQ(atomicOr(&i, 3), 4);
  EXPECT_EQ(atomicXor(&i, 1), 7);
  EXPECT_EQ(i, 6);
  float f = 1;
  EXPECT_EQ(atomicExch(&f, 2.5f), 1);
  EXPECT_EQ(f, 2.5f);
}

TEST(Atomics, IntegersWrapAround) {
  int i = INT_MAX;
  atomicAdd(&i, 1);
  EXPECT_EQ(i, INT_MIN);
  atomicSub(&i, 1);
  EXPECT_EQ(i, INT_MAX);
}

TEST(Atomics, IncAndDecRunInACircle) {
  unsigned up = 0, down = 0;
  for (const unsigned expected : {0u, 1u, 2u, 0u, 1u}) EXPECT_EQ(atomicInc(&up, 2), expected);
  for (const unsigned expected : {0u, 2u, 1u, 0u, 2u}) EXPECT_EQ(atomicDec(&down, 2), expected);
  unsigned beyond = 9;
  atomicInc(&beyond, 2);
  EXPECT_EQ(beyond, 0u);
  beyond = 9;
  atomicDec(&beyond, 2);
  EXPECT_EQ(beyond, 2u);
}

__global__ void take_ticket(unsigned* next, unsigned* owners) {
  owners[atomicAdd(next, 1u)] += 1;
}

TEST(Atomics, EveryThreadGetsItsOwnTicket) {
  unsigned next = 0;
  std::vector<unsigned> owners(300);
  launch({3, 100}, take_ticket, &next, owners.data());
  EXPECT_EQ(owners, std::vector<unsigned>(300, 1));
}

}  // namespace
}  // namespace simt::test
