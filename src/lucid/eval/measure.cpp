// SPDX-License-Identifier: Apache-2.0
// Metrics of one asset, from its Gaussians.
#include "lucid/eval/measure.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "lucid/asset/pictures/image.h"
#include "lucid/asset/splats/splats.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/base/sha256.h"
#include "lucid/eval/asset_views.h"
#include "lucid/eval/metrics.h"
#include "lucid/json/json_config.h"

namespace lucid::eval {
namespace fs = std::filesystem;
namespace {

constexpr int kViews = 8, kNeighbourViews = 24;  // for the judge; closer together, for the reprojection error
/// The judge's accuracy on real renders of a word; below it, its verdict on the word's sides is not used.
constexpr double kMinSideAccuracy = 0.9;
constexpr double kMinSaturation = 0.1;  // of real renders of a word; below it, they have no colour to compare with
constexpr int64_t kMostRealViews = 400;
constexpr const char* kResultFile = "eval.json";  // in the asset's folder

/// Up to kMostRealViews real pictures of the word.
torch::Tensor real_pictures(const corpus::Corpus& corpus, const std::string& word) {
  std::vector<int64_t> views;
  for (const corpus::Item& item : corpus.items()) {
    if (item.word != word) continue;
    for (int64_t i = 0; i < item.view_count; ++i) views.push_back(item.first_view + i);
  }
  if (views.empty()) return {};
  std::vector<int64_t> some;
  const auto total = static_cast<int64_t>(views.size()), count = std::min(total, kMostRealViews);
  for (int64_t i = 0; i < count; ++i) some.push_back(views[static_cast<size_t>(i * total / count)]);
  return corpus.views(some).rgb;
}

/// The prompt with each of `names` in place of its word.
std::vector<std::string> with_each_name(const EvalPrompt& prompt, const std::vector<std::string>& names) {
  std::vector<std::string> texts;
  const size_t at = prompt.text.find(prompt.word);
  for (const std::string& name : names) {
    std::string text = prompt.text;
    texts.push_back(text.replace(at, prompt.word.size(), name));
  }
  return texts;
}

}  // namespace

Instruments open_judge(const fs::path& folder) {
  Instruments instruments;
  instruments.judge = load_judge(folder);
  instruments.report = read_judge_report(folder);
  instruments.real_close_ups = load_real_close_ups(folder);
  std::string hashes;
  std::error_code none;
  for (const char* name : {"judge.json", "judge.safetensors", kRealCloseUpFile})
    if (fs::exists(folder / name, none)) hashes += sha256_of_file(folder / name);
  instruments.judge_hash = sha256_of_bytes(hashes);
  return instruments;
}

AssetResult measure(Instruments& instruments, const EvalAsset& asset, const fs::path& report_folder) {
  const torch::NoGradGuard no_grad;
  const EvalPrompt& prompt = asset.prompt;
  const gaussians::Cloud cloud = lucid::asset::read_splats(asset.found.file, std::nullopt);
  const AssetViews views = render_asset(cloud, kViews);
  const JudgeOutput verdict = instruments.judge->forward(views.rgb);
  const auto& config = instruments.judge->config();
  const auto index_of = [](const std::vector<std::string>& list, const std::string& entry) {
    return static_cast<int64_t>(std::ranges::find(list, entry) - list.begin());
  };

  AssetResult result;
  result.prompt = prompt.text;
  result.word = prompt.word;
  result.colour = prompt.colour;
  result.score = asset.score;
  result.seed = asset.found.seed;
  result.unseen = prompt.unseen;
  const int64_t word = index_of(config.words, prompt.word);
  const torch::Tensor sector = verdict.sector.select(1, word);  // [V,kSectors]
  result.rank = rank_of(verdict.word, word);
  const auto first = verdict.word.log_softmax(1).mean(0).argmax().item<int64_t>();
  result.taken_for = config.words[static_cast<size_t>(first)];
  if (!prompt.colour.empty()) {
    result.colour_right = rank_of(verdict.colour, index_of(config.colours, prompt.colour)) == 1;
  }
  const auto trust = instruments.report.by_word.find(prompt.word);
  if (trust != instruments.report.by_word.end() &&
      std::min(trust->second.front_back, trust->second.sector) >= kMinSideAccuracy) {
    result.view_accuracy = view_accuracy(sector, views.azimuths());
    result.second_front = shows_a_second_front(sector, views.azimuths());
    result.sides_seen = sides_seen(sector);
  }
  result.sharpness = sharpness(views.rgb, views.alpha);
  result.saturation = saturation(views.rgb, views.alpha);
  result.surface_sharpness = surface_sharpness(views.rgb, views.alpha);
  const auto look = instruments.report.real_renders.find(prompt.word);
  if (look != instruments.report.real_renders.end()) {
    if (look->second.sharpness > 0) result.sharpness_ratio = result.sharpness / look->second.sharpness;
    // A prompt with a colour asks for another saturation than the objects' own.
    if (prompt.colour.empty() && look->second.saturation > kMinSaturation)
      result.saturation_ratio = result.saturation / look->second.saturation;
  }
  if (instruments.corpus) {
    const torch::Tensor real = real_pictures(*instruments.corpus, prompt.word);
    if (real.defined()) result.distance_to_nearest = distance_to_nearest(views.rgb, real);
  }
  const double error = reprojection_error(render_asset(cloud, kNeighbourViews));
  if (std::isfinite(error)) result.reprojection_error = error;
  result.close_up = look_closer(cloud);
  const auto real = instruments.real_close_ups.find(prompt.word);
  const bool known = real != instruments.real_close_ups.end();
  if (known) result.real_fine_energy = real->second.fine_energy;
  if (!known || real->second.largest_floater < kSmallestFloater)
    result.has_floaters = result.close_up.largest_floater >= kSmallestFloater;
  if (instruments.clip) {
    const AssetViews pictures =
        render_asset(cloud, kViews, {.size = static_cast<int>(instruments.clip->picture_size())});
    const ClipScore opinion =
        score_with_clip(*instruments.clip, pictures.rgb, prompt.text, with_each_name(prompt, instruments.names));
    result.clip_score = opinion.score;
    result.clip_rank = opinion.rank;
  }
  result.seconds = asset.found.seconds;
  result.peak_mb = asset.found.peak_mb;
  const auto pictures = render_asset(cloud, 4, {.size = kCloseUpSize}).rgb.unbind(0);
  lucid::asset::write_png(asset.picture,
                          lucid::asset::contact_sheet({{pictures[0], pictures[1], pictures[2], pictures[3]}}));
  result.picture = fs::relative(asset.picture, report_folder).string();
  result.judge = instruments.judge_hash;
  return result;
}

void store_result(const AssetResult& result, const fs::path& asset_folder) {
  write_file(asset_folder / kResultFile, to_json(result).dump(1) + "\n");
}

std::optional<AssetResult> stored_result(const Instruments& instruments, const fs::path& asset_folder) {
  const fs::path file = asset_folder / kResultFile;
  std::error_code none;
  if (!fs::exists(file, none)) return std::nullopt;
  try {
    const nlohmann::json stored = read_json_object(file);
    if (stored.value("judge", "") != instruments.judge_hash || !stored.contains("haze")) return std::nullopt;
    AssetResult result = result_from_json(stored);
    if (instruments.clip && !result.clip_score) return std::nullopt;
    if (instruments.corpus && !result.distance_to_nearest) return std::nullopt;
    return result;
  } catch (const nlohmann::json::exception& error) {
    throw UserError(
        {.what_happened = error.what(), .file = file.string(), .hint = "remove the file; it is made again"});
  }
}

}  // namespace lucid::eval
