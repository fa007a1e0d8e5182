// SPDX-License-Identifier: Apache-2.0
// Results of many assets: one JSON, one HTML page with pictures, and paired comparisons of two scores.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lucid/eval/metrics.h"

namespace lucid::eval {

/// One asset. Numbers that cannot be had are empty, never 0.
struct AssetResult {
  std::string prompt, word, colour, score;  // score: "ism", "sds"
  int64_t seed = 0;
  bool unseen = false;    // the prior's training saw no such name in this colour
  int64_t rank = 0;       // of `word` in the judge's opinion, 1 = first
  std::string taken_for;  // the judge's first choice
  std::optional<bool> colour_right;
  std::optional<double> view_accuracy;  // of words whose sides the judge can tell on real renders
  std::optional<bool> second_front;     // the same
  std::vector<int64_t> sides_seen;      // the same; degrees, of the views at 0, 45, … 315
  double sharpness = 0, saturation = 0;
  std::optional<double> surface_sharpness;
  std::optional<double> sharpness_ratio, saturation_ratio;  // to real renders of the word
  std::optional<double> distance_to_nearest;
  std::optional<double> reprojection_error;
  std::optional<double> clip_score;  // by the user's CLIP model
  std::optional<int64_t> clip_rank;  // of the prompt among the same prompt with each name of the vocabulary in it
  double seconds = 0;
  int64_t peak_mb = 0;
  std::string picture;  // PNG, relative to the report's folder
  std::string judge;    // names its weights and report
};

nlohmann::json to_json(const AssetResult& result);
AssetResult result_from_json(const nlohmann::json& json);  // throws nlohmann::json::exception

/// Means over the assets of one score: prompts, r_precision_1, r_precision_5, colour_accuracy, view_accuracy,
/// janus_rate, sharpness, surface_sharpness, sharpness_ratio, saturation_ratio, distance_to_nearest,
/// reprojection_error, clip_score, clip_r_precision_1, clip_r_precision_5, seconds_per_asset, peak_mb,
/// unseen_combinations (how many prompts are such); with `judge_accuracy`, without which the first ones mean nothing. A
/// mean of nothing is null.
nlohmann::json summary(const std::vector<AssetResult>& results, double judge_accuracy);

/// Paired by prompt and seed: a minus b. Of each number: mean difference, bootstrap interval of 95 %, share of pairs in
/// which a is greater, pairs.
nlohmann::json comparison(const std::vector<AssetResult>& a, const std::vector<AssetResult>& b);

/// One page: the summaries, the comparison if there is one, and every asset's picture with its numbers.
std::string html(const nlohmann::json& report);

}  // namespace lucid::eval
