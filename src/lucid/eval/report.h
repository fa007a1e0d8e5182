// SPDX-License-Identifier: Apache-2.0
// Report of an evaluation: results per asset as JSON, means per score, paired comparison of two scores, HTML page.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lucid/eval/close_up.h"
#include "lucid/eval/metrics.h"

namespace lucid::eval {

/// Result of one asset. Metrics that do not apply are nullopt.
struct AssetResult {
  std::string prompt, word, colour, score;  // score: "ism", "sds"
  int64_t seed = 0;
  bool unseen = false;    // the prior was not trained on this name in this colour
  int64_t rank = 0;       // rank of `word` by the judge; 1 = first
  std::string taken_for;  // the judge's top word
  std::optional<bool> colour_right;
  std::optional<double> view_accuracy;  // only for words whose sides the judge recognises on real renders
  std::optional<bool> second_front;     // as view_accuracy
  std::vector<int64_t> sides_seen;      // as view_accuracy; degrees, for the views at 0, 45, … 315
  double sharpness = 0, saturation = 0;
  std::optional<double> surface_sharpness;
  std::optional<double> sharpness_ratio, saturation_ratio;  // relative to real renders of the word
  std::optional<double> distance_to_nearest;
  std::optional<double> reprojection_error;
  CloseUp close_up;                        // at 512 x 512
  std::optional<double> real_fine_energy;  // CloseUp::fine_energy of real renders of the word
  std::optional<bool> has_floaters;        // of kSmallestFloater or more; only for words whose real renders have none
  std::optional<double> clip_score;        // if the user gave a CLIP model
  std::optional<int64_t> clip_rank;  // rank of the prompt among the same prompt with every other name of the vocabulary
  double seconds = 0;
  int64_t peak_mb = 0;
  std::string picture;  // path of the PNG, relative to the report's folder
  std::string judge;    // identifies the judge's weights and report
};

nlohmann::json to_json(const AssetResult& result);
AssetResult result_from_json(const nlohmann::json& json);  // throws nlohmann::json::exception

/// Means over the assets of one score: r_precision_1, r_precision_5, colour_accuracy, view_accuracy, janus_rate,
/// sharpness, surface_sharpness, sharpness_ratio, saturation_ratio, distance_to_nearest, reprojection_error,
/// fine_energy, real_fine_energy, floater_rate, floater_share, haze, reprojection_error_512, detail_agreement,
/// clip_score, clip_r_precision_1, clip_r_precision_5, seconds_per_asset. Also fine_energy_ratio: the mean of
/// fine_energy to that of real_fine_energy, of the assets that have both, and fine_energy_ratio_median: the median of
/// the assets' own ratios. Also prompts (their number), peak_mb
/// (maximum), unseen_combinations (number) and the given `judge_accuracy`. A metric that no asset has is null;
/// "METRIC_of" is the number of assets that have it, if not all do.
nlohmann::json summary(const std::vector<AssetResult>& results, double judge_accuracy);

/// Paired comparison a minus b, by prompt and seed. Per metric: mean difference, 95 % bootstrap interval, share of
/// pairs in which a is greater, number of pairs.
nlohmann::json comparison(const std::vector<AssetResult>& a, const std::vector<AssetResult>& b);

/// HTML page of a report: summaries, the comparison if there is one, and every asset's picture and metrics.
std::string html(const nlohmann::json& report);

}  // namespace lucid::eval
