#include <gtest/gtest.h>

#include <array>
#include <set>

#include "lacuna/math/philox.h"

namespace lacuna::math {
namespace {

std::array<std::uint32_t, 4> words(const Philox4& block) {
  return {block.word[0], block.word[1], block.word[2], block.word[3]};
}

// Known answers published with Random123 (Salmon et al., SC 2011): kat_vectors, philox4x32, 10 rounds.
TEST(Philox, GivesThePublishedAnswers) {
  EXPECT_EQ(words(philox4x32_10({{0, 0, 0, 0}}, 0, 0)),
            (std::array<std::uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(words(philox4x32_10({{~0u, ~0u, ~0u, ~0u}}, ~0u, ~0u)),
            (std::array<std::uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(words(philox4x32_10({{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}, 0xa4093822, 0x299f31d0)),
            (std::array<std::uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, StreamsOfDifferentSeedPurposeStreamAndIndexDiffer) {
  std::set<std::array<std::uint32_t, 4>> blocks;
  int drawn = 0;
  for (std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 32})
    for (Purpose purpose : {Purpose::weights, Purpose::order, Purpose::synthetic, Purpose::noise})
      for (std::uint32_t stream : {0u, 1u, 2u})
        for (std::uint64_t index : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 32}) {
          blocks.insert(words(random_block(seed, purpose, stream, index)));
          ++drawn;
        }
  EXPECT_EQ(blocks.size(), static_cast<std::size_t>(drawn));
}

TEST(Philox, UniformUsesTheUpper24BitsAndStaysBelowOne) {
  EXPECT_EQ(uniform24(0), 0.0f);
  EXPECT_EQ(uniform24(0xFF), 0.0f);
  EXPECT_EQ(uniform24(0x100), 0x1p-24f);
  EXPECT_EQ(uniform24(0x80000000u), 0.5f);
  EXPECT_EQ(uniform24(~0u), 1.0f - 0x1p-24f);
}

}  // namespace
}  // namespace lacuna::math
