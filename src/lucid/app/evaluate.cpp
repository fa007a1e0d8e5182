// SPDX-License-Identifier: Apache-2.0
// `lucid eval`: makes an asset of every prompt, score and seed, measures it, and writes the report. Results are stored
// beside the assets, so that a stopped evaluation goes on where it was.
#include "lucid/app/evaluate.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "lucid/app/generate.h"
#include "lucid/app/options.h"
#include "lucid/app/threads.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/base/sha256.h"
#include "lucid/corpus/table.h"
#include "lucid/distill/score_table.h"
#include "lucid/eval/blind.h"
#include "lucid/eval/measure.h"
#include "lucid/eval/prompt_set.h"
#include "lucid/eval/report.h"
#include "lucid/json/json_config.h"
#include "lucid/text_to_image/vocabulary/vocabulary.h"

namespace lucid::app {
namespace fs = std::filesystem;
namespace {

struct Evaluation {
  const EvalOptions& options;
  fs::path prior;
  eval::Instruments instruments;
  eval::PromptWords words;  // that prior and judge both know
  std::vector<eval::EvalPrompt> prompts;
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

Evaluation prepare(const EvalOptions& options) {
  const fs::path prior = options.prior.empty() ? embedded_prior() : options.prior;
  const fs::path judge_folder = options.judge.empty() ? data_folder() / "models" / "judge" : options.judge;
  Evaluation evaluation{.options = options,
                        .prior = prior,
                        .instruments = eval::open_judge(judge_folder),
                        .words = {},
                        .prompts = {},
                        .hashes = {}};
  eval::Instruments& instruments = evaluation.instruments;
  const auto& colours = instruments.judge->config().colours;
  const text_to_image::Vocabulary vocabulary = vocabulary_of(prior, instruments.judge->config());
  instruments.names = vocabulary.names;
  evaluation.words = {.names = vocabulary.names, .colours = colours, .seen = vocabulary.seen};
  evaluation.prompts = options.prompts.empty() ? eval::standard_prompts(evaluation.words, options.count)
                                               : eval::read_prompts(options.prompts, evaluation.words);
  refuse_alike(evaluation.prompts, options.prompts);
  if (!options.corpus.empty()) instruments.corpus.emplace(options.corpus);
  if (!options.clip.empty()) instruments.clip.emplace(options.clip);
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
  const double share = score == "sds" ? options.sds_steps : distill::steps_for_one_of_ism(*distill::find_score(score));
  for (const auto& [name, value] :
       std::initializer_list<std::pair<const char*, std::string>>{{"text", prompt.text},
                                                                  {"score", score},
                                                                  {"seed", std::to_string(seed)},
                                                                  {"preset", options.preset},
                                                                  {"threads", std::to_string(options.threads)},
                                                                  {"output", (options.out / "runs" / score).string()},
                                                                  {"workspace", folder_name(prompt, seed)},
                                                                  {"vis_interval", "0"},
                                                                  {"save_video", "false"},
                                                                  {"save_process", "false"},
                                                                  {"resume", "true"},
                                                                  {"progress", "off"}}) {
    table.set(name, value, "flag");
  }
  choose_start(run, table);  // it may change the numbers of steps
  for (const auto& [name, value] : {std::pair{"iterations", run.train.iterations},
                                    {"warmup_iter", run.train.score.warmup_iter},
                                    {"view_guidance_until_iter", run.train.score.view_guidance_until_iter}}) {
    table.set(name, std::to_string(std::llround(share * static_cast<double>(value))), "flag");
  }
  return table;
}

/// Refuses an asset of an earlier run that other options made, or other weights.
void check_maker(Evaluation& evaluation, const config::OptionTable& table, const fs::path& folder) {
  const fs::path file = folder / "manifest.json";
  const nlohmann::json manifest = read_json_object(file);
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
      if (known != hash.get<std::string>()) refuse("was made by another prior");
    }
  } catch (const nlohmann::json::exception& error) {
    refuse(error.what());
  }
}

/// Results by score, or by path of EvalOptions::assets.
using Results = std::map<std::string, std::vector<eval::AssetResult>>;

/// `groups`: the keys of `results`, in the order of the report.
void write_report(const Evaluation& evaluation, const std::vector<std::string>& groups, const Results& results) {
  const EvalOptions& options = evaluation.options;
  nlohmann::json report = {{"summary", nlohmann::json::object()}, {"assets", nlohmann::json::array()}};
  if (options.assets.empty()) report["preset"] = options.preset;
  for (const std::string& score : groups) {
    report["summary"][score] = eval::summary(results.at(score), evaluation.instruments.report.all.word);
    for (const eval::AssetResult& result : results.at(score)) report["assets"].push_back(eval::to_json(result));
  }
  if (groups.size() == 2) {
    report["compared"] = fmt::format("{} minus {}", groups[0], groups[1]);
    report["comparison"] = eval::comparison(results.at(groups[0]), results.at(groups[1]));
  }
  for (size_t i = 1; groups.size() > 2 && i < groups.size(); ++i) {
    report["comparisons"][fmt::format("{} minus {}", groups[i], groups[0])] =
        eval::comparison(results.at(groups[i]), results.at(groups[0]));
  }
  write_file(options.out / "report.json", report.dump(1) + "\n");
  write_file(options.out / "report.html", eval::html(report));
  for (const std::string& score : groups) {
    nlohmann::json line = report["summary"][score];
    line["score"] = score;
    if (options.json) {
      fmt::print("{}\n", line.dump());
    } else {
      fmt::print("{}\n", line.dump(2));
    }
  }
  for (const char* key : {"comparison", "comparisons"})
    if (report.contains(key)) fmt::print("{}\n", report[key].dump(options.json ? -1 : 2));
  spdlog::info("look at {}", (options.out / "report.html").string());
}

/// The assets at a path, with the prompts that the judge can be asked about.
std::vector<eval::BlindAsset> assets_at(const Evaluation& evaluation, const fs::path& path) {
  std::vector<eval::BlindAsset> assets;
  for (const eval::FoundAsset& found : eval::find_assets(path)) {
    const auto prompt = eval::recognised_prompt(found.prompt, evaluation.words);
    if (!prompt) {
      throw UserError({.what_happened = fmt::format("'{}' holds no name that the judge knows", found.prompt),
                       .file = found.file.string(),
                       .hint = "call a file by its prompt, a_red_cup.ply"});
    }
    assets.push_back({.found = found, .prompt = *prompt});
  }
  return assets;
}

void write_blind_sheets(const EvalOptions& options, const std::vector<eval::BlindAsset>& assets) {
  eval::Synonyms synonyms;
  const fs::path table = data_folder() / "models" / "corpus" / "sweethome3d.tsv";
  std::error_code none;
  if (fs::exists(table, none)) {
    for (const corpus::TableRow& row : corpus::read_table(table)) synonyms[row.word] = row.synonyms;
  }
  eval::write_blind(options.blind, assets, synonyms);
  spdlog::info("{} sheets and the form: {}; the key: {}", assets.size(), (options.blind / "form.html").string(),
               eval::key_of(options.blind).string());
}

/// Measures EvalOptions::assets, or writes their blind sheets.
int evaluate_found(Evaluation& evaluation, const std::atomic<bool>& stop) {
  const EvalOptions& options = evaluation.options;
  std::vector<std::string> groups;
  std::map<std::string, std::vector<eval::BlindAsset>> assets;
  std::vector<eval::BlindAsset> all;
  for (const fs::path& path : options.assets) {  // all of them first: a mistake is told before the work begins
    groups.push_back(path.string());
    assets[groups.back()] = assets_at(evaluation, path);
    all.insert(all.end(), assets[groups.back()].begin(), assets[groups.back()].end());
  }
  if (!options.blind.empty()) {
    write_blind_sheets(options, all);
    return 0;
  }
  Results results;
  size_t done = 0;
  for (size_t group = 0; group < groups.size(); ++group) {
    for (const eval::BlindAsset& asset : assets[groups[group]]) {
      if (stop) return 130;
      ++done;
      const fs::path picture = options.out / "pictures" / fmt::format("{:03}_{}.png", done, asset.found.name);
      results[groups[group]].push_back(eval::measure(
          evaluation.instruments,
          {.found = asset.found, .prompt = asset.prompt, .score = groups[group], .picture = picture}, options.out));
      const eval::AssetResult& last = results[groups[group]].back();
      spdlog::info("{}/{} {}: rank {}, taken for {}", done, all.size(), asset.found.name, last.rank, last.taken_for);
    }
  }
  write_report(evaluation, groups, results);
  return 0;
}

/// Prints what a person's answers on blind sheets are worth.
int score_blind(const EvalOptions& options) {
  const eval::BlindScore score = eval::score_form(options.blind, options.form);
  const size_t count = score.answers.size();
  if (options.json) {
    nlohmann::json answers = nlohmann::json::array();
    for (const eval::BlindAnswer& answer : score.answers) {
      answers.push_back({{"number", answer.number},
                         {"prompt", answer.prompt},
                         {"name", answer.name},
                         {"right", answer.right},
                         {"looks", answer.looks > 0 ? nlohmann::json(answer.looks) : nlohmann::json(nullptr)}});
    }
    fmt::print("{}\n", nlohmann::json{{"named_right", score.right},
                                      {"assets", count},
                                      {"looks", score.rated > 0 ? nlohmann::json(score.looks) : nlohmann::json()},
                                      {"rated", score.rated},
                                      {"answers", answers}}
                           .dump());
    return 0;
  }
  for (const eval::BlindAnswer& answer : score.answers) {
    fmt::print("{:>3}  {:<5}  {} ({}), looks {}\n", answer.number, answer.right ? "right" : "wrong",
               answer.name.empty() ? "no answer" : answer.name, answer.prompt,
               answer.looks > 0 ? fmt::format("{}", answer.looks) : "not rated");
  }
  fmt::print("named right {} of {}, looks {:.1f} of 5 ({} rated)\n", score.right, count, score.looks, score.rated);
  return 0;
}

}  // namespace

int evaluate(const EvalOptions& options, const std::atomic<bool>& stop) {
  if (!options.form.empty()) return score_blind(options);
  set_threads(options.threads);
  Evaluation evaluation = prepare(options);
  if (options.list) {
    for (const eval::EvalPrompt& prompt : evaluation.prompts) fmt::print("{}\n", prompt.text);
    return 0;
  }
  if (!options.assets.empty()) return evaluate_found(evaluation, stop);
  Results results;
  std::vector<eval::BlindAsset> unseen;  // for the blind sheets
  const auto total = static_cast<int64_t>(options.scores.size() * evaluation.prompts.size()) * options.seeds;
  int64_t done = 0;
  for (const std::string& score : options.scores) {
    for (const eval::EvalPrompt& prompt : evaluation.prompts) {
      for (int64_t seed = 0; seed < options.seeds; ++seed) {
        const fs::path folder = options.out / "runs" / score / folder_name(prompt, seed);
        std::error_code none;
        const bool made = fs::exists(folder / "manifest.json", none);
        RunOptions run;
        config::OptionTable table = table_of(evaluation, score, prompt, seed, run);
        if (made) {
          finish_options(run, table);  // the manifest has the options as generate() finished them
          check_maker(evaluation, table, folder);
        } else {
          const int code = generate(run, table, stop);
          if (code != 0) return code;
        }
        const eval::FoundAsset found = eval::asset_of_run(folder);
        if (!options.blind.empty()) {
          unseen.push_back({.found = found, .prompt = prompt});
          continue;
        }
        auto known = made ? eval::stored_result(evaluation.instruments, folder) : std::nullopt;
        if (!known) {
          known = eval::measure(evaluation.instruments,
                                {.found = found, .prompt = prompt, .score = score, .picture = folder / "eval.png"},
                                options.out);
          eval::store_result(*known, folder);
        }
        results[score].push_back(*known);
        const eval::AssetResult& last = results[score].back();
        spdlog::info("{}/{} {} ({}): rank {}, taken for {}", ++done, total, prompt.text, score, last.rank,
                     last.taken_for);
      }
    }
  }
  if (!options.blind.empty()) {
    write_blind_sheets(options, unseen);
  } else {
    write_report(evaluation, options.scores, results);
  }
  return 0;
}

}  // namespace lucid::app
