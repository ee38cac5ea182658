#include <gtest/gtest.h>

#include "core/bf16_copies.h"

namespace lacuna {
namespace {

/// x -> h by w1 and back by w2, which lie in one slab; then both weights are updated.
struct SmallPlan {
  StepPlan plan;
  BufferId x = plan.scratch("x", {4, 3}), h = plan.scratch("h", {4, 2}), y = plan.scratch("y", {4, 3});
  BufferId slab = plan.bound("parameters", DType::f32, {16}), other = plan.bound("moments", DType::f32, {16});
  BufferId w1 = plan.slice("w1", slab, 0, {2, 3}), w2 = plan.slice("w2", slab, 8, {3, 2});
  SmallPlan() {
    plan.operations = {DenseForward{.input = x, .weight = w1, .output = h},
                       DenseForward{.input = h, .weight = w2, .output = y},
                       DenseBackward{.delta = y, .input = h, .weight = w2, .weight_gradient = other}};
  }
};

TEST(Bf16CopiesOfAPlan, AreOfEachOperandOnce) {
  const SmallPlan small;
  const Bf16Copies copies(small.plan);
  std::vector<BufferId> of;
  for (const Bf16Copies::Copy& copy : copies.copies()) of.push_back(copy.of);
  // The weight of the way back is not among the operands: there is no input gradient.
  EXPECT_EQ(of, (std::vector<BufferId>{small.x, small.w1, small.h, small.w2, small.y}));
}

TEST(Bf16CopiesOfAPlan, OfTiedWeightsAreOne) {
  SmallPlan small;
  const BufferId tied = small.plan.slice("tied", small.slab, 0, {2, 3});
  small.plan.operations.push_back(
      DenseForward{.input = small.h, .weight = tied, .output = small.y, .weight_layout = WeightLayout::in_out});
  Bf16Copies copies(small.plan);
  EXPECT_EQ(copies.copies().size(), 5u);
  EXPECT_EQ(copies.index_of(tied), copies.index_of(small.w1));
}

TEST(Bf16CopiesOfAPlan, AreMadeAnewWhenTheOperandHasChanged) {
  const SmallPlan small;
  Bf16Copies copies(small.plan);
  const auto must_make = [&](BufferId id) { return copies.must_make(copies.index_of(id)); };
  EXPECT_TRUE(must_make(small.h));
  EXPECT_FALSE(must_make(small.h));
  EXPECT_TRUE(must_make(small.w1));
  copies.wrote(BiasActivation{.values = small.h, .bias = small.other});
  EXPECT_TRUE(must_make(small.h));
  EXPECT_FALSE(must_make(small.w1));
}

TEST(Bf16CopiesOfAPlan, OfPartsOfASlabFollowTheSlabAndNotTheirNeighbours) {
  const SmallPlan small;
  Bf16Copies copies(small.plan);
  const auto must_make = [&](BufferId id) { return copies.must_make(copies.index_of(id)); };
  must_make(small.w1);
  must_make(small.w2);
  copies.wrote(FillUniform{.values = small.w2});
  EXPECT_FALSE(must_make(small.w1));
  EXPECT_TRUE(must_make(small.w2));
  UpdateParameters update;
  update.parameters = small.slab;
  update.gradients = small.other;
  copies.wrote(update);
  EXPECT_TRUE(must_make(small.w1));
  EXPECT_TRUE(must_make(small.w2));
}

}  // namespace
}  // namespace lacuna
