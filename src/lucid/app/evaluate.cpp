// SPDX-License-Identifier: Apache-2.0
// Prompts to assets to numbers to a report; each asset's numbers lie beside it, so that nothing is done twice.
#include "lucid/app/evaluate.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "lucid/app/generate.h"
#include "lucid/app/threads.h"
#include "lucid/asset/image.h"
#include "lucid/asset/ply.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/base/sha256.h"
#include "lucid/corpus/shards.h"
#include "lucid/eval/asset_views.h"
#include "lucid/eval/clip.h"
#include "lucid/eval/judge_report.h"
#include "lucid/eval/prompt_set.h"
#include "lucid/eval/report.h"
#include "lucid/text_to_image/vocabulary.h"
#include "lucid/weights/json_config.h"

namespace lucid::app {
namespace fs = std::filesystem;
namespace {

constexpr int kViews = 8, kNeighbourViews = 24;  // for the judge; closer together, for the reprojection
constexpr double kTellsSides = 0.9;              // on real renders; below it, a word has no sides to be right about
constexpr double kHasColour = 0.1;  // mean saturation; below it, a word's objects have none to be compared with
constexpr int64_t kMostRealViews = 400;
constexpr const char* kNumbers = "eval.json";  // of one asset, in its folder

struct Evaluation {
  const EvalOptions& options;
  fs::path prior;
  eval::Judge judge;
  eval::JudgeReport report;
  std::string judge_name;                // of its files' bytes
  text_to_image::Vocabulary vocabulary;  // names that prior and judge both know
  std::vector<eval::EvalPrompt> prompts;
  std::optional<corpus::Corpus> corpus;
  std::optional<eval::Clip> clip;
  std::map<fs::path, std::string> hashes;  // of the prior's files, as they are asked for
};

/// A prior without a vocabulary may know all that the judge does.
text_to_image::Vocabulary vocabulary_of(const fs::path& prior, const eval::JudgeConfig& judge) {
  text_to_image::Vocabulary vocabulary = text_to_image::load_vocabulary(prior).value_or(
      text_to_image::Vocabulary{.names = judge.words, .colours = {}, .filler = {}});
  std::erase_if(vocabulary.names,
                [&](const std::string& name) { return std::ranges::find(judge.words, name) == judge.words.end(); });
  if (vocabulary.names.empty()) {
    throw UserError({.what_happened = "prior and judge have no name in common", .file = prior.string()});
  }
  return vocabulary;
}

std::string folder_name(const eval::EvalPrompt& prompt, int64_t seed) {
  return fmt::format("{}_s{}", name_from_prompt(prompt.text), seed);
}

void refuse_alike(const std::vector<eval::EvalPrompt>& prompts, const fs::path& file) {
  std::map<std::string, std::string> texts;
  for (const eval::EvalPrompt& prompt : prompts) {
    const auto [entry, fresh] = texts.emplace(folder_name(prompt, 0), prompt.text);
    if (fresh) continue;
    throw UserError({.what_happened = fmt::format("'{}' and '{}' are the same prompt", entry->second, prompt.text),
                     .file = file.string(),
                     .hint = "--seeds makes an asset several times"});
  }
}

std::string name_of_judge(const fs::path& folder) {
  return sha256_of_bytes(sha256_of_file(folder / "judge.json") + sha256_of_file(folder / "judge.safetensors"));
}

Evaluation prepare(const EvalOptions& options) {
  const fs::path prior = options.prior.empty() ? embedded_prior() : options.prior;
  const fs::path judge_folder = options.judge.empty() ? data_folder() / "models" / "judge" : options.judge;
  Evaluation evaluation{.options = options,
                        .prior = prior,
                        .judge = eval::load_judge(judge_folder),
                        .report = eval::read_judge_report(judge_folder),
                        .judge_name = name_of_judge(judge_folder),
                        .vocabulary = {},
                        .prompts = {},
                        .corpus = {},
                        .clip = {},
                        .hashes = {}};
  const auto& colours = evaluation.judge->config().colours;
  const text_to_image::Vocabulary& vocabulary = evaluation.vocabulary =
      vocabulary_of(prior, evaluation.judge->config());
  evaluation.prompts = options.prompts.empty()
                           ? eval::standard_prompts(vocabulary.names, colours, options.count, vocabulary.seen)
                           : eval::read_prompts(options.prompts, vocabulary.names, colours, vocabulary.seen);
  refuse_alike(evaluation.prompts, options.prompts);
  if (!options.corpus.empty()) evaluation.corpus.emplace(options.corpus);
  if (!options.clip.empty()) evaluation.clip.emplace(options.clip);
  return evaluation;
}

/// The run that makes an asset: `table`, which reads and writes `run`.
config::OptionTable table_of(const Evaluation& evaluation, const std::string& score, const eval::EvalPrompt& prompt,
                             int64_t seed, RunOptions& run) {
  const EvalOptions& options = evaluation.options;
  config::OptionTable table = make_table(run);
  apply_preset(table, evaluation.prior, options.preset);
  if (!options.config.empty()) table.set_from_yaml(options.config, "config");
  if (!options.prior.empty()) table.set("model_key", options.prior.string(), "flag");
  const double share = score == "sds" ? options.sds_steps : 1;
  const auto scaled = [&](int64_t steps) { return std::to_string(std::llround(share * static_cast<double>(steps))); };
  for (const auto& [name, value] :
       std::initializer_list<std::pair<const char*, std::string>>{{"text", prompt.text},
                                                                  {"score", score},
                                                                  {"seed", std::to_string(seed)},
                                                                  {"preset", options.preset},
                                                                  {"threads", std::to_string(options.threads)},
                                                                  {"output", (options.out / "runs" / score).string()},
                                                                  {"workspace", folder_name(prompt, seed)},
                                                                  {"iterations", scaled(run.train.iterations)},
                                                                  {"warmup_iter", scaled(run.train.score.warmup_iter)},
                                                                  {"vis_interval", "0"},
                                                                  {"save_video", "false"},
                                                                  {"save_process", "false"},
                                                                  {"resume", "true"},
                                                                  {"progress", "off"}}) {
    table.set(name, value, "flag");
  }
  return table;
}

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

/// The prompt with every name of the vocabulary in place of its own.
std::vector<std::string> with_each_name(const eval::EvalPrompt& prompt, const text_to_image::Vocabulary& vocabulary) {
  std::vector<std::string> texts;
  const size_t at = prompt.text.find(prompt.word);
  for (const std::string& name : vocabulary.names) {
    std::string text = prompt.text;
    texts.push_back(text.replace(at, prompt.word.size(), name));
  }
  return texts;
}

eval::AssetResult measure(Evaluation& evaluation, const std::string& score, const eval::EvalPrompt& prompt,
                          int64_t seed, const fs::path& folder) {
  const torch::NoGradGuard no_grad;
  const nlohmann::json manifest = weights::read_json_object(folder / "manifest.json");
  const auto iterations = manifest.at("iterations").get<int64_t>();
  const gaussians::Cloud cloud =
      asset::read_ply(folder / "point_cloud" / fmt::format("iteration_{}", iterations) / "point_cloud.ply");
  const eval::AssetViews views = eval::render_asset(cloud, kViews);
  const eval::JudgeOutput verdict = evaluation.judge->forward(views.rgb);
  const auto& config = evaluation.judge->config();
  const auto index_of = [](const std::vector<std::string>& list, const std::string& entry) {
    return static_cast<int64_t>(std::ranges::find(list, entry) - list.begin());
  };

  eval::AssetResult result;
  result.prompt = prompt.text;
  result.word = prompt.word;
  result.colour = prompt.colour;
  result.score = score;
  result.seed = seed;
  result.unseen = prompt.unseen;
  const int64_t word = index_of(config.words, prompt.word);
  const torch::Tensor sector = verdict.sector.select(1, word);  // [V,kSectors]
  result.rank = eval::rank_of(verdict.word, word);
  const auto first = verdict.word.log_softmax(1).mean(0).argmax().item<int64_t>();
  result.taken_for = config.words[static_cast<size_t>(first)];
  if (!prompt.colour.empty()) {
    result.colour_right = eval::rank_of(verdict.colour, index_of(config.colours, prompt.colour)) == 1;
  }
  const auto trust = evaluation.report.by_word.find(prompt.word);
  if (trust != evaluation.report.by_word.end() &&
      std::min(trust->second.front_back, trust->second.sector) >= kTellsSides) {
    result.view_accuracy = eval::view_accuracy(sector, views.azimuths());
    result.second_front = eval::shows_a_second_front(sector, views.azimuths());
    result.sides_seen = eval::sides_seen(sector);
  }
  result.sharpness = eval::sharpness(views.rgb, views.alpha);
  result.saturation = eval::saturation(views.rgb, views.alpha);
  result.surface_sharpness = eval::surface_sharpness(views.rgb, views.alpha);
  const auto look = evaluation.report.real_renders.find(prompt.word);
  if (look != evaluation.report.real_renders.end()) {
    if (look->second.sharpness > 0) result.sharpness_ratio = result.sharpness / look->second.sharpness;
    // A prompt with a colour of its own is not to look like the objects in theirs.
    if (prompt.colour.empty() && look->second.saturation > kHasColour)
      result.saturation_ratio = result.saturation / look->second.saturation;
  }
  if (evaluation.corpus) {
    const torch::Tensor real = real_pictures(*evaluation.corpus, prompt.word);
    if (real.defined()) result.distance_to_nearest = eval::distance_to_nearest(views.rgb, real);
  }
  const double error = eval::reprojection_error(eval::render_asset(cloud, kNeighbourViews));
  if (std::isfinite(error)) result.reprojection_error = error;
  if (evaluation.clip) {
    const eval::AssetViews pictures =
        eval::render_asset(cloud, kViews, {.size = static_cast<int>(evaluation.clip->picture_size())});
    const eval::ClipScore opinion = eval::score_with_clip(*evaluation.clip, pictures.rgb, prompt.text,
                                                          with_each_name(prompt, evaluation.vocabulary));
    result.clip_score = opinion.score;
    result.clip_rank = opinion.rank;
  }
  result.seconds = manifest.at("seconds");
  result.peak_mb = manifest.at("peak_mb");
  const auto pictures = views.rgb.unbind(0);
  asset::write_png(folder / "eval.png", asset::contact_sheet({{pictures[0], pictures[2], pictures[4], pictures[6]}}));
  result.picture = fs::relative(folder / "eval.png", evaluation.options.out).string();
  result.judge = evaluation.judge_name;
  return result;
}

/// Refuses an asset of an earlier run that other options made, or other weights.
void check_maker(Evaluation& evaluation, const config::OptionTable& table, const fs::path& folder) {
  const fs::path file = folder / "manifest.json";
  const nlohmann::json manifest = weights::read_json_object(file);
  const auto refuse = [&](const std::string& what) {
    throw UserError({.what_happened = what, .file = file.string(), .hint = "--out names another folder"});
  };
  try {
    const nlohmann::json &before = manifest.at("options"), now = table.dump_result_json();
    for (const auto& [name, value] : now.items()) {
      if (!before.contains(name) || before.at(name) == value) continue;  // an older program had fewer options
      refuse(fmt::format("was made with {} {}, not {}", name, before.at(name).dump(), value.dump()));
    }
    for (const auto& [name, hash] : manifest.at("weights_sha256").items()) {
      const fs::path weights = evaluation.prior / name;
      std::error_code none;
      if (!fs::exists(weights, none)) continue;  // an adapter's, from elsewhere
      std::string& known = evaluation.hashes[weights];
      if (known.empty()) known = sha256_of_file(weights);
      if (known != hash) refuse("was made by another prior");
    }
  } catch (const nlohmann::json::exception& error) {
    refuse(error.what());
  }
}

/// What an earlier run measured, unless it lacks what is asked for now or another judge was asked.
std::optional<eval::AssetResult> stored_result(const Evaluation& evaluation, const fs::path& folder) {
  const fs::path file = folder / kNumbers;
  std::error_code none;
  if (!fs::exists(file, none)) return std::nullopt;
  try {
    const nlohmann::json stored = weights::read_json_object(file);
    if (stored.value("judge", "") != evaluation.judge_name) return std::nullopt;
    eval::AssetResult result = eval::result_from_json(stored);
    if (evaluation.clip && !result.clip_score) return std::nullopt;
    if (evaluation.corpus && !result.distance_to_nearest) return std::nullopt;
    return result;
  } catch (const nlohmann::json::exception& error) {
    throw UserError(
        {.what_happened = error.what(), .file = file.string(), .hint = "remove the file; it is made again"});
  }
}

void write_report(const Evaluation& evaluation, const std::map<std::string, std::vector<eval::AssetResult>>& results) {
  const EvalOptions& options = evaluation.options;
  nlohmann::json report = {
      {"preset", options.preset}, {"summary", nlohmann::json::object()}, {"assets", nlohmann::json::array()}};
  for (const std::string& score : options.scores) {
    report["summary"][score] = eval::summary(results.at(score), evaluation.report.all.word);
    for (const eval::AssetResult& result : results.at(score)) report["assets"].push_back(eval::to_json(result));
  }
  if (options.scores.size() == 2) {
    report["compared"] = fmt::format("{} minus {}", options.scores[0], options.scores[1]);
    report["comparison"] = eval::comparison(results.at(options.scores[0]), results.at(options.scores[1]));
  }
  write_file(options.out / "report.json", report.dump(1) + "\n");
  write_file(options.out / "report.html", eval::html(report));
  for (const std::string& score : options.scores) {
    nlohmann::json line = report["summary"][score];
    line["score"] = score;
    if (options.json) {
      fmt::print("{}\n", line.dump());
    } else {
      fmt::print("{}\n", line.dump(2));
    }
  }
  if (report.contains("comparison")) fmt::print("{}\n", report["comparison"].dump(options.json ? -1 : 2));
}

}  // namespace

int evaluate(const EvalOptions& options, const std::atomic<bool>& stop) {
  set_threads(options.threads);
  Evaluation evaluation = prepare(options);
  if (options.list) {
    for (const eval::EvalPrompt& prompt : evaluation.prompts) fmt::print("{}\n", prompt.text);
    return 0;
  }
  std::map<std::string, std::vector<eval::AssetResult>> results;
  const auto total = static_cast<int64_t>(options.scores.size() * evaluation.prompts.size()) * options.seeds;
  int64_t done = 0;
  for (const std::string& score : options.scores) {
    for (const eval::EvalPrompt& prompt : evaluation.prompts) {
      for (int64_t seed = 0; seed < options.seeds; ++seed) {
        const fs::path folder = options.out / "runs" / score / folder_name(prompt, seed);
        std::error_code none;
        const bool made = fs::exists(folder / "manifest.json", none);
        RunOptions run;
        const config::OptionTable table = table_of(evaluation, score, prompt, seed, run);
        if (made) {
          finish_options(run);  // the manifest has the options as generate() finished them
          check_maker(evaluation, table, folder);
        }
        auto known = made ? stored_result(evaluation, folder) : std::nullopt;
        if (!known) {
          if (!made) {
            const int code = generate(run, table, stop);
            if (code != 0) return code;
          }
          known = measure(evaluation, score, prompt, seed, folder);
          write_file(folder / kNumbers, eval::to_json(*known).dump(1) + "\n");
        }
        results[score].push_back(*known);
        const eval::AssetResult& last = results[score].back();
        spdlog::info("{}/{} {} ({}): rank {}, taken for {}", ++done, total, prompt.text, score, last.rank,
                     last.taken_for);
      }
    }
  }
  write_report(evaluation, results);
  spdlog::info("look at {}", (options.out / "report.html").string());
  return 0;
}

}  // namespace lucid::app
