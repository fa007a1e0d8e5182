// SPDX-License-Identifier: Apache-2.0
// How a run is fitted into an amount of memory, of the process or of a card that is given as a number.
#include "lucid/app/memory/memory_limit.h"

#include <gtest/gtest.h>

#include "lucid/app/run_options/memory_size.h"
#include "lucid/base/error.h"

namespace lucid::app {
namespace {

constexpr int64_t kGaussians = 20000;

struct MemoryLimit : testing::Test {
  text_to_image::Prior prior = text_to_image::load_prior(embedded_prior());
  RunOptions options;

  MemoryLimit() {
    options.train.batch = 4;
    options.train.views.width = options.train.views.height = 512;
    options.train.densify.densify_until_iter = 0;
    options.pictures_at_once = 2;
  }
  /// The estimate of the options with other parts.
  double estimate(bool low_memory, int64_t pictures, int64_t rows) const {
    RunOptions divided = options;
    divided.low_memory = low_memory;
    divided.pictures_at_once = pictures;
    divided.rows_at_once = rows;
    return estimated_bytes(divided, prior, kGaussians);
  }
  void keep_megabytes(double bytes) {
    options.memory = std::to_string(static_cast<int64_t>(kMemoryMargin * bytes / 1048576) + 1) + "M";
    keep_within_memory(options, prior, kGaussians, 0);
  }
};

TEST_F(MemoryLimit, ARunWithoutALimitStaysAsItIs) {
  keep_within_memory(options, prior, kGaussians, 0);
  EXPECT_FALSE(options.low_memory);
  EXPECT_EQ(options.train.densify.most_in_memory, 0);
}

TEST_F(MemoryLimit, SmallerPartsNeedLess) {
  options.memory = "9G";
  const double all = estimate(false, 2, 0), low = estimate(true, 2, 0), one = estimate(true, 1, 0),
               rows = estimate(true, 1, 1);
  EXPECT_LT(low, all);
  EXPECT_LT(one, low);
  EXPECT_LT(rows, one);
  options.memory.clear();
  EXPECT_GT(estimate(false, 2, 0), all) << "a heap that keeps its holes is larger";
}

TEST_F(MemoryLimit, AProcessIsFitted) {
  options.memory = "9G";
  const double low = estimate(true, 2, 0), half = estimate(true, 1, 8);
  keep_megabytes(low);
  EXPECT_TRUE(options.low_memory);
  EXPECT_EQ(options.rows_at_once, 0);
  keep_megabytes(half);
  EXPECT_EQ(options.pictures_at_once, 1);
  EXPECT_EQ(options.rows_at_once, 8);
  try {
    keep_megabytes(estimate(true, 1, 1) * 0.9);
    FAIL() << "nothing is small enough";
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("in the smallest parts"), std::string::npos) << error.what();
  }
}

TEST_F(MemoryLimit, TheNumberOfGaussiansIsBounded) {
  options.train.densify.densify_until_iter = 400;
  options.memory = "3G";
  keep_within_memory(options, prior, kGaussians, 0);
  const int64_t most = options.train.densify.most_in_memory;
  EXPECT_GT(most, kGaussians);
  const double limit = bytes_of(options.memory) / kMemoryMargin;
  EXPECT_LE(estimated_bytes(options, prior, most), limit);
  EXPECT_GT(estimated_bytes(options, prior, most + 100), limit);
}

TEST_F(MemoryLimit, GaussiansThatAreSplitForEnlargedPicturesAreBoundedToo) {
  options.memory = "3G";
  keep_within_memory(options, prior, kGaussians, 0);
  EXPECT_EQ(options.train.densify.most_in_memory, 0) << "none is added";
  options.train.views.width = options.train.views.height = 128;
  options.train.refine.iter = options.train.refine.fine = 1;
  keep_within_memory(options, prior, kGaussians, 0);
  EXPECT_GT(options.train.densify.most_in_memory, kGaussians);
}

TEST_F(MemoryLimit, ACardIsFittedByWhatIsFree) {
  options.device = "cuda";
  const double all = estimate(false, 2, 0), low = estimate(true, 2, 0);
  EXPECT_LT(low, all);
  keep_within_memory(options, prior, kGaussians, kMemoryMargin * all);
  EXPECT_FALSE(options.low_memory);
  keep_within_memory(options, prior, kGaussians, kMemoryMargin * low);
  EXPECT_TRUE(options.low_memory);
  try {
    keep_within_memory(options, prior, kGaussians, 1e8);
    FAIL() << "nothing is small enough";
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("free on the card"), std::string::npos) << error.what();
  }
  options.memory = "80G";  // the user knows better
  EXPECT_NO_THROW(keep_within_memory(options, prior, kGaussians, 1e8));
}

}  // namespace
}  // namespace lucid::app
