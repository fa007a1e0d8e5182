// SPDX-License-Identifier: Apache-2.0
// Tests of Rng: streams differ by seed, name and step, repeat exactly, and have the moments of their distributions.
#include "lucid/base/rng.h"

#include <gtest/gtest.h>

#include <vector>

namespace lucid {
namespace {

TEST(Rng, IsAFunctionOfSeedNameAndStep) {
  Rng a(7, "camera", 3), b(7, "camera", 3);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a.next_u32(), b.next_u32());
  const uint32_t first = Rng(7, "camera", 3).next_u32();
  EXPECT_NE(first, Rng(8, "camera", 3).next_u32());
  EXPECT_NE(first, Rng(7, "noise", 3).next_u32());
  EXPECT_NE(first, Rng(7, "camera", 4).next_u32());
}

TEST(Rng, NormalsHaveUnitMoments) {
  std::vector<float> x(200000);
  Rng(1, "test").fill_normal(x.data(), x.size());
  double mean = 0, square = 0, fourth = 0;
  for (const float v : x) {
    mean += v;
    square += double{v} * v;
    fourth += double{v} * v * v * v;
  }
  const double n = static_cast<double>(x.size());
  EXPECT_NEAR(mean / n, 0, 0.01);
  EXPECT_NEAR(square / n, 1, 0.02);
  EXPECT_NEAR(fourth / n, 3, 0.15);
}

TEST(Rng, ManyNormalsAtOnceAreThoseDrawnOneByOne) {
  for (const int words : {0, 1, 2, 3, 4}) {                    // words drawn before: pairs begin anywhere in a block
    for (const int normals : {0, 1}) {                         // 1: half of a pair was drawn before
      for (const size_t count : {0, 1, 2, 7, 40000, 40001}) {  // the last two use several threads
        Rng one(3, "test"), many(3, "test");
        for (int i = 0; i < words; ++i) EXPECT_EQ(one.next_u32(), many.next_u32());
        for (int i = 0; i < normals; ++i) EXPECT_EQ(one.normal(), many.normal());
        std::vector<float> x(count);
        many.fill_normal(x.data(), x.size());
        for (const float value : x) ASSERT_EQ(value, static_cast<float>(one.normal())) << words << ' ' << count;
        EXPECT_EQ(one.normal(), many.normal());
        EXPECT_EQ(one.next_u32(), many.next_u32());
      }
    }
  }
}

TEST(Rng, StreamsAreWhatTheyWere) {  // pinned values: results for a given seed must not change between versions
  Rng rng(7, "camera", 3);
  EXPECT_EQ(rng.next_u32(), 0x45df32dcu);
  EXPECT_EQ(static_cast<float>(rng.uniform()), 0.713293612F);
  EXPECT_EQ(static_cast<float>(rng.normal()), 0.162686393F);
}

TEST(Rng, IntegersCoverTheirRangeAndNoMore) {
  std::vector<int> seen(5, 0);
  Rng rng(2, "test");
  for (int i = 0; i < 5000; ++i) {
    const int64_t value = rng.integer(-2, 3);
    ASSERT_GE(value, -2);
    ASSERT_LT(value, 3);
    ++seen[static_cast<size_t>(value + 2)];
  }
  for (const int count : seen) EXPECT_NEAR(count, 1000, 150);
}

}  // namespace
}  // namespace lucid
