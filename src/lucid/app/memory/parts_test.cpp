// SPDX-License-Identifier: Apache-2.0
// The order in which a batch is made smaller, with numbers in place of a machine.
#include "lucid/app/memory/parts.h"

#include <gtest/gtest.h>

#include <vector>

namespace lucid::app {
namespace {

/// 1000 for the weights; 400 for what low_memory saves; 100 for each picture and 10 for each row at a time.
double cost(const Parts& parts) {
  const auto pictures = static_cast<double>(parts.pictures_at_once > 0 ? parts.pictures_at_once : 4);
  const auto rows = static_cast<double>(parts.rows_at_once > 0 ? parts.rows_at_once : 12);
  return 1000 + (parts.low_memory ? 0 : 400) + 100 * pictures + 10 * rows;
}

TEST(Parts, AreNoSmallerThanNeeded) {
  const BatchShape batch{.rows = 12, .workers = 4};
  const auto parts_at = [&](double bytes) { return largest_parts(bytes, {}, batch, cost).parts; };
  EXPECT_EQ(parts_at(1920), Parts());
  EXPECT_EQ(parts_at(1919), (Parts{.low_memory = true}));
  EXPECT_EQ(parts_at(1519), (Parts{.low_memory = true, .pictures_at_once = 1}));
  EXPECT_EQ(parts_at(1219), (Parts{.low_memory = true, .pictures_at_once = 1, .rows_at_once = 6}));
  EXPECT_EQ(parts_at(1159), (Parts{.low_memory = true, .pictures_at_once = 1, .rows_at_once = 3}));
  EXPECT_EQ(parts_at(1110), (Parts{.low_memory = true, .pictures_at_once = 1, .rows_at_once = 1}));
}

TEST(Parts, TheSmallestAndItsEstimateAreSaidWhereNothingFits) {
  const Fit fit = largest_parts(1109, {}, {.rows = 12, .workers = 4}, cost);
  EXPECT_FALSE(fit.fits);
  EXPECT_EQ(fit.bytes, 1110);
  EXPECT_EQ(fit.parts.rows_at_once, 1);
}

TEST(Parts, WhatTheUserAskedForStays) {
  const Fit fit = largest_parts(1520, {.low_memory = true}, {.rows = 12, .workers = 4}, cost);
  EXPECT_TRUE(fit.fits);
  EXPECT_EQ(fit.parts, (Parts{.low_memory = true}));
}

TEST(Parts, ACardComputesOneBatchAtATime) {
  std::vector<Parts> tried;
  largest_parts(0, {}, {.rows = 5, .workers = 1}, [&](const Parts& parts) {
    tried.push_back(parts);
    return 1.0;
  });
  const std::vector<Parts> wanted = {{},
                                     {.low_memory = true},
                                     {.low_memory = true, .rows_at_once = 3},
                                     {.low_memory = true, .rows_at_once = 2},
                                     {.low_memory = true, .rows_at_once = 1}};
  EXPECT_EQ(tried, wanted);
}

}  // namespace
}  // namespace lucid::app
