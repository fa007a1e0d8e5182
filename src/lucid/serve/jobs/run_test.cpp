// SPDX-License-Identifier: Apache-2.0
// Runs in words and as JSON, and their series.
#include "lucid/serve/jobs/run.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/serve/jobs/series.h"

namespace lucid::serve::test {
namespace {

TEST(RunWords, SayTheState) {
  serve::Run run{.state = State::kRunning, .step = 420, .steps = 1500, .seconds_left = 118};
  EXPECT_EQ(words_of(run), "Step 420 of 1500, about 2 min left");
  run.seconds_left = 44.6;
  EXPECT_EQ(words_of(run), "Step 420 of 1500, about 45 s left");
  run.seconds_left = 3 * 3600;
  EXPECT_EQ(words_of(run), "Step 420 of 1500, about 3 h left");
  run.seconds_left = NAN;
  EXPECT_EQ(words_of(run), "Step 420 of 1500");
  run.stage = "writing results";
  EXPECT_EQ(words_of(run), "Writing results");
  run.state = State::kPaused;
  EXPECT_EQ(words_of(run), "Paused at step 420 of 1500");
  run.state = State::kQueued;
  for (const auto& [place, text] : {std::pair{1, "1st"},
                                    {2, "2nd"},
                                    {3, "3rd"},
                                    {4, "4th"},
                                    {11, "11th"},
                                    {12, "12th"},
                                    {21, "21st"},
                                    {113, "113th"}}) {
    run.place = place;
    EXPECT_EQ(words_of(run), std::string("Waiting, ") + text + " in the queue");
  }
  run = {.state = State::kFinished, .step = 600, .steps = 600, .seconds = 240};
  EXPECT_EQ(words_of(run), "Finished: 600 steps in 4 min");
}

/// The schema's names, and whether null is allowed, from configs/openapi.json.
void expect_schema(const nlohmann::json& value, const char* name) {
  const auto file = nlohmann::json::parse(read_file(lucid::test::source_dir() / "configs/openapi.json"));
  const nlohmann::json& schema = file["components"]["schemas"][name];
  std::set<std::string> expected, found;
  for (const auto& [key, property] : schema["properties"].items()) expected.insert(key);
  for (const auto& [key, member] : value.items()) {
    found.insert(key);
    if (!member.is_null()) continue;
    EXPECT_NE(schema["properties"][key].dump().find("\"null\""), std::string::npos) << key;
  }
  EXPECT_EQ(found, expected);
}

TEST(RunJson, HasTheFieldsOfTheSchema) {
  serve::Run run{.id = "a", .seconds_left = INFINITY, .score = NAN, .pictures = {{"sheet", 5}}, .command = "lucid"};
  expect_schema(to_json(run), "Run");
  EXPECT_TRUE(to_json(run)["score"].is_null());
  EXPECT_TRUE(to_json(run)["seconds_left"].is_null());
  run.score = 0.5;
  EXPECT_EQ(to_json(run)["score"], 0.5);
  expect_schema(to_json(Export{.format = "glb"}), "Export");
  EXPECT_EQ(to_json(Export{.format = "glb", .state = Export::State::kDone, .bytes = 7})["bytes"], 7);
}

TEST(RunActions, FitTheState) {
  using Actions = std::vector<std::string>;
  serve::Run run{.command = "lucid generate a"};
  const auto actions = [&](State state) {
    run.state = state;
    return actions_of(run);
  };
  EXPECT_EQ(actions(State::kQueued), (Actions{"stop", "again", "delete"}));
  EXPECT_EQ(actions(State::kRunning), (Actions{"pause", "stop", "again", "delete"}));
  EXPECT_EQ(actions(State::kPaused), (Actions{"resume", "stop", "again", "delete"}));
  EXPECT_EQ(actions(State::kFinished), (Actions{"continue", "again", "delete"}));
  EXPECT_EQ(actions(State::kStopped), (Actions{"resume", "again", "delete"}));
  EXPECT_EQ(actions(State::kFailed), (Actions{"resume", "again", "delete"}));
  run.command = "";
  EXPECT_EQ(actions(State::kFinished), (Actions{"delete"}));
}

TEST(RunSeries, IsThinnedEvenlyAndEndsAtTheNewestStep) {
  Series series;
  for (int64_t step = 1; step <= 10'000; ++step) {
    add_point(series, step, static_cast<double>(step), 2 * step);
    ASSERT_LE(series.step.size(), kMostPoints);
    ASSERT_EQ(series.step.back(), step);
  }
  EXPECT_GE(series.step.size(), kMostPoints / 2);
  EXPECT_EQ(series.step.front(), 1);
  const int64_t distance = series.step[1] - series.step[0];
  for (size_t i = 1; i + 1 < series.step.size(); ++i) EXPECT_EQ(series.step[i] - series.step[i - 1], distance) << i;
  for (size_t i = 0; i < series.step.size(); ++i) {
    EXPECT_EQ(series.score[i], static_cast<double>(series.step[i]));
    EXPECT_EQ(series.gaussians[i], 2 * series.step[i]);
  }
  cut_after(series, 5000);
  EXPECT_LE(series.step.back(), 5000);
  EXPECT_GT(series.step.back(), 4900);
  add_point(series, 4000, 1, 1);  // a process that began again at an older checkpoint
  EXPECT_EQ(series.step.back(), 4000);
  EXPECT_TRUE(std::ranges::is_sorted(series.step));
}

}  // namespace
}  // namespace lucid::serve::test
