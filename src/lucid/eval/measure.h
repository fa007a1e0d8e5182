// SPDX-License-Identifier: Apache-2.0
// Measures an asset: renders it, and computes every metric that its prompt, the judge's accuracy and the user's corpus
// and CLIP model allow.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lucid/corpus/shards.h"
#include "lucid/eval/clip.h"
#include "lucid/eval/found_assets.h"
#include "lucid/eval/judge.h"
#include "lucid/eval/judge_report.h"
#include "lucid/eval/prompt_set.h"
#include "lucid/eval/real_close_up.h"
#include "lucid/eval/report.h"

namespace lucid::eval {

/// What assets are measured with.
struct Instruments {
  Judge judge{nullptr};
  JudgeReport report;                    // the judge's accuracy
  RealCloseUps real_close_ups;           // of real renders; may be empty
  std::string judge_hash;                // of the judge's files
  std::vector<std::string> names;        // of the vocabulary, for clip_rank
  std::optional<corpus::Corpus> corpus;  // real pictures, for distance_to_nearest
  std::optional<Clip> clip;              // for clip_score and clip_rank
};

/// Loads the judge, its report and its hash; the rest is the caller's. Throws UserError.
Instruments open_judge(const std::filesystem::path& folder);

/// An asset to measure.
struct EvalAsset {
  FoundAsset found;
  EvalPrompt prompt;
  std::string score;              // AssetResult::score
  std::filesystem::path picture;  // the PNG to write: four sides
};

/// Measures the asset and writes its picture. `report_folder`: AssetResult::picture is relative to it.
AssetResult measure(Instruments& instruments, const EvalAsset& asset, const std::filesystem::path& report_folder);

/// Stores the result in the asset's folder (eval.json), so that it is not measured twice.
void store_result(const AssetResult& result, const std::filesystem::path& asset_folder);
/// The stored result; nullopt if there is none, if another judge measured it, or or if it lacks a metric: of an
/// older program, or one for which the instruments are given now. Throws UserError.
std::optional<AssetResult> stored_result(const Instruments& instruments, const std::filesystem::path& asset_folder);

}  // namespace lucid::eval
