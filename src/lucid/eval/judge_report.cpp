// SPDX-License-Identifier: Apache-2.0
// Counts the judge's right answers, and reads and writes the report.
#include "lucid/eval/judge_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "lucid/base/error.h"
#include "lucid/eval/metrics.h"
#include "lucid/json/json_config.h"

namespace lucid::eval {
namespace {

constexpr int64_t kAtOnce = 256;

nlohmann::json json_of(const Accuracy& a) {
  return {{"word", a.word},     {"word_in_five", a.word_in_five}, {"colour", a.colour},
          {"sector", a.sector}, {"front_back", a.front_back},     {"views", a.views}};
}

Accuracy accuracy_of(const nlohmann::json& j) {
  return {.word = j.at("word"),
          .word_in_five = j.at("word_in_five"),
          .colour = j.at("colour"),
          .sector = j.at("sector"),
          .front_back = j.at("front_back"),
          .views = j.at("views")};
}

/// Averages over the items in their own colours, up to six held-out views of each.
std::map<std::string, RenderStatistics> real_render_statistics(const corpus::Corpus& corpus) {
  constexpr size_t kViews = 6;
  std::map<std::string, RenderStatistics> sums;
  std::map<std::string, int> counts;
  for (const corpus::Item& item : corpus.items()) {
    if (item.recoloured) continue;
    std::vector<int64_t> some;
    for (int64_t i = 0; i < item.view_count && some.size() < kViews; ++i) {
      if (is_held_out(i)) some.push_back(item.first_view + i);
    }
    if (some.empty()) continue;
    const corpus::Views views = corpus.views(some);
    RenderStatistics& sum = sums[item.word];
    sum.sharpness += sharpness(views.rgb, views.alpha);
    sum.saturation += saturation(views.rgb, views.alpha);
    ++counts[item.word];
  }
  for (auto& [word, sum] : sums) {
    sum.sharpness /= counts[word];
    sum.saturation /= counts[word];
  }
  return sums;
}

/// Counts of views and right answers.
struct Tally {
  int64_t views = 0, word = 0, five = 0, coloured = 0, colour = 0, sector = 0, facing = 0, told = 0;
  Accuracy accuracy() const {
    const auto share = [](int64_t part, int64_t whole) {
      return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
    };
    return {.word = share(word, views),
            .word_in_five = share(five, views),
            .colour = share(colour, coloured),
            .sector = share(sector, views),
            .front_back = share(told, facing),
            .views = views};
  }
};

}  // namespace

JudgeReport evaluate_judge(Judge& judge, const corpus::Corpus& corpus, const ViewFilter& keep) {
  const torch::NoGradGuard no_grad;
  const JudgePictures pictures = load_pictures(corpus, judge->config(), keep);
  std::map<std::string, Tally> tallies;
  Tally all;
  for (int64_t begin = 0; begin < pictures.rgb.size(0); begin += kAtOnce) {
    const int64_t end = std::min(pictures.rgb.size(0), begin + kAtOnce);
    const JudgeOutput output = judge->forward(pictures.rgb.slice(0, begin, end).to(torch::kFloat) / 255);
    const torch::Tensor five = std::get<1>(output.word.topk(std::min<int64_t>(5, output.word.size(1)), 1));
    const torch::Tensor colour = output.colour.argmax(1);
    const torch::Tensor words = pictures.word.slice(0, begin, end).clamp_min(0);  // kIgnoreIndex is skipped below
    const torch::Tensor sector = output.sector_given_word(words).argmax(1);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = i - begin, word = pictures.word[i].item<int64_t>();
      if (word == kIgnoreIndex) continue;
      const int64_t seen = sector[row].item<int64_t>(), truth = pictures.sector[i].item<int64_t>();
      for (Tally* tally : {&all, &tallies[judge->config().words[static_cast<size_t>(word)]]}) {
        ++tally->views;
        tally->word += five[row][0].item<int64_t>() == word;
        tally->five += (five[row] == word).any().item<bool>();
        const int64_t true_colour = pictures.colour[i].item<int64_t>();
        tally->coloured += true_colour != kIgnoreIndex;
        tally->colour += true_colour != kIgnoreIndex && colour[row].item<int64_t>() == true_colour;
        tally->sector += sectors_apart(seen, truth) <= 1;
        const int64_t from_front = sectors_apart(truth, 0);
        if (from_front <= 1 || from_front >= kSectors / 2 - 1) {
          ++tally->facing;
          const int64_t seen_from_front = sectors_apart(seen, 0);
          tally->told += from_front <= 1 ? seen_from_front <= 1 : seen_from_front >= kSectors / 2 - 1;
        }
      }
    }
  }
  JudgeReport report{.all = all.accuracy(), .by_word = {}, .real_renders = real_render_statistics(corpus)};
  for (const auto& [word, tally] : tallies) report.by_word[word] = tally.accuracy();
  return report;
}

std::string to_json(const JudgeReport& report) {
  nlohmann::json by_word = nlohmann::json::object(), looks = nlohmann::json::object();
  for (const auto& [word, accuracy] : report.by_word) by_word[word] = json_of(accuracy);
  for (const auto& [word, look] : report.real_renders) {
    looks[word] = {{"sharpness", look.sharpness}, {"saturation", look.saturation}};
  }
  return nlohmann::json{{"all", json_of(report.all)}, {"by_word", by_word}, {"looks", looks}}.dump();
}

JudgeReport read_judge_report(const std::filesystem::path& judge_folder) {
  const std::filesystem::path file = judge_folder / "judge.json";
  const nlohmann::json json = read_json_object(file);
  JudgeReport report;
  try {
    const nlohmann::json& stored = json.at("report");
    report.all = accuracy_of(stored.at("all"));
    for (const auto& [word, entry] : stored.at("by_word").items()) report.by_word[word] = accuracy_of(entry);
    for (const auto& [word, entry] : stored.at("looks").items()) {
      report.real_renders[word] = {.sharpness = entry.at("sharpness"), .saturation = entry.at("saturation")};
    }
  } catch (const nlohmann::json::exception& error) {
    throw UserError({.what_happened = error.what(),
                     .file = file.string(),
                     .key = "report",
                     .hint = "`lucid prior judge` writes it"});
  }
  return report;
}

}  // namespace lucid::eval
