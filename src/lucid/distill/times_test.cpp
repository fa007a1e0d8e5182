// SPDX-License-Identifier: Apache-2.0
// Tests of the timesteps of a step: against the reference's (schedules.json), and edge cases.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "goldens.h"
#include "lucid/base/error.h"
#include "lucid/distill/distiller.h"

namespace lucid::distill {
namespace {

nlohmann::json schedules() {
  std::ifstream file(lucid::test::goldens() / "distill/schedules.json");
  return nlohmann::json::parse(file);
}

TEST(TimesGolden, WarmUpRangeAndIntervalAreTheReferences) {
  const nlohmann::json cases = schedules().at("warmup");
  ASSERT_FALSE(cases.empty());
  for (const auto& c : cases) {
    SCOPED_TRACE(c.dump());
    ScoreOptions options;
    options.perpneg = c.at("perpneg");
    options.delta_t = c.at("delta_t");
    options.delta_t_start = c.at("delta_t_start");
    const int64_t iteration = c.at("iteration");
    EXPECT_EQ(warm_up_rate(options, iteration), c.at("warm_up_rate").get<double>());
    EXPECT_EQ(interval(options, iteration), c.at("delta_T").get<int64_t>());
    const IndexRange range = t_index_range(options, iteration, 1000);
    EXPECT_EQ(range.low, c.at("index_low").get<int64_t>());
    EXPECT_EQ(range.high, c.at("index_high_exclusive").get<int64_t>());
    EXPECT_EQ(range.low + 1, c.at("timestep_low").get<int64_t>());
  }
}

TEST(TimesGolden, StridesAreTheReferences) {
  const nlohmann::json cases = schedules().at("sequences");
  ASSERT_FALSE(cases.empty());
  for (const auto& c : cases) {
    SCOPED_TRACE(c.dump());
    ScoreOptions options;
    options.perpneg = c.at("perpneg");
    options.delta_t = c.at("delta_t");
    options.delta_t_start = c.at("delta_t_start");
    options.xs_delta_t = c.at("xs_delta_t").is_null() ? 0 : c.at("xs_delta_t").get<int64_t>();
    options.xs_inv_steps = c.at("xs_inv_steps").is_null() ? 0 : c.at("xs_inv_steps").get<int64_t>();
    const StepTimes times = plan_times(options, c.at("iteration"), c.at("t_index"), 1);
    EXPECT_EQ(times.s_index, c.at("s_index").get<int64_t>());
    EXPECT_EQ(times.start_index, c.at("start_index").get<int64_t>());
    EXPECT_EQ(times.t(), c.at("t").get<int64_t>());
    EXPECT_EQ(times.visited.front(), c.at("noise_timestep").get<int64_t>());
    std::vector<int64_t> expected{c.at("noise_timestep").get<int64_t>()};
    for (const char* part : {"to_s", "to_t"}) {
      for (const auto& stride : c.at(part)) {
        EXPECT_EQ(stride.at(0).get<int64_t>(), expected.back());
        expected.push_back(stride.at(1));
      }
    }
    EXPECT_EQ(times.visited, expected);
  }
}

TEST(Times, WithoutAnnealingTheIntervalStays) {
  ScoreOptions options;
  options.annealing_intervals = false;
  EXPECT_EQ(interval(options, 0), options.delta_t);
}

TEST(Times, NoWarmUpMeansWarm) {
  ScoreOptions options;
  options.warmup_iter = 0;
  EXPECT_EQ(warm_up_rate(options, 0), 0);
  EXPECT_EQ(t_index_range(options, 0, 1000).high, 500);
}

// MVDream-threestudio's: the lower end from 0.98 to 0.02, the upper one from 0.98 to 0.5.
TEST(Times, BothEndsFallWithTheWarmUp) {
  ScoreOptions options;
  options.min_t_range = 0.98;
  options.warmup_iter = 8000;
  const auto range = [&](int64_t iteration) {
    const IndexRange found = t_index_range(options, iteration, 1000);
    return std::pair(found.low, found.high);
  };
  EXPECT_EQ(range(0), std::pair(int64_t{979}, int64_t{980}));
  EXPECT_EQ(range(2000), std::pair(int64_t{740}, int64_t{860}));
  EXPECT_EQ(range(8000), std::pair(int64_t{20}, int64_t{500}));
  EXPECT_EQ(range(9000), std::pair(int64_t{20}, int64_t{500}));
  options.min_t_range = 0.01;  // below the lower end's rest: it stands still
  EXPECT_EQ(range(0), std::pair(int64_t{20}, int64_t{980}));
}

TEST(Times, EveryTInRangeHasAscendingStridesThatEndAtT) {
  for (const int64_t stride : {0, 1, 7, 200, 1000}) {
    for (const int64_t strides : {0, 1, 5}) {
      ScoreOptions options;
      options.xs_delta_t = stride;
      options.xs_inv_steps = strides;
      for (int64_t t = 0; t < 1000; t += 37) {
        const StepTimes times = plan_times(options, 700, t, 1);
        ASSERT_GE(times.visited.size(), 3u);
        EXPECT_TRUE(std::is_sorted(times.visited.begin(), times.visited.end()));
        EXPECT_EQ(times.t(), t + 1);
        EXPECT_EQ(times.visited[times.visited.size() - 2], times.s_index + 1);
        if (stride > 0 && strides > 0) {
          EXPECT_LE(times.visited.size(), static_cast<size_t>(strides) + 2);
        }
      }
    }
  }
}

TEST(Times, AnEmptyRangeIsTheUsersMistake) {
  ScoreOptions options;
  options.t_range_low = 0.5;
  options.t_range_high = 0.5004;
  EXPECT_THROW(t_index_range(options, 5000, 1000), UserError);
}

}  // namespace
}  // namespace lucid::distill
