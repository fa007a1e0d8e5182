// SPDX-License-Identifier: Apache-2.0
// One cycle of AdamW on augmented small pictures; what is augmented is what splats do to a picture: blur, haze, a shift
// of colour and size.
#include "lucid/eval/judge_training.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>
#include <set>

#include "lucid/base/error.h"
#include "lucid/base/rng.h"
#include "lucid/eval/metrics.h"
#include "lucid/weights/json_config.h"

namespace lucid::eval {
namespace {

constexpr int64_t kHeldOutEvery = 10, kNoAnswer = -100;  // kNoAnswer: cross_entropy's ignore_index
constexpr int64_t kReadAtOnce = 256;
constexpr double kWarmUp = 0.1, kWeightDecay = 0.05, kLabelSmoothing = 0.05;

/// Small pictures and answers of all views that are wanted, in memory.
struct Pictures {
  torch::Tensor rgb;                   // [n,3,kJudgeSize,kJudgeSize] uint8
  torch::Tensor word, colour, sector;  // [n] int64
  torch::Tensor azimuth;               // [n] float, degrees
  torch::Tensor mirrors;               // [n] bool: left and right of the object mirror each other
};

template <class Keep>
Pictures load(const corpus::Corpus& corpus, const JudgeConfig& config, const Keep& keep) {
  const auto index_in = [](const std::vector<std::string>& list, const std::string& word) {
    const auto it = std::ranges::find(list, word);
    return it == list.end() ? kNoAnswer : static_cast<int64_t>(it - list.begin());
  };
  std::vector<int64_t> views, words, colours, mirrors;
  for (const corpus::Item& item : corpus.items()) {
    for (int64_t i = 0; i < item.view_count; ++i) {
      if (!keep(i)) continue;
      views.push_back(item.first_view + i);
      words.push_back(index_in(config.words, item.word));
      colours.push_back(index_in(config.colours, item.colour));
      mirrors.push_back(item.mirrors);
    }
  }
  Pictures result;
  const auto count = static_cast<int64_t>(views.size());
  result.rgb = torch::empty({count, 3, kJudgeSize, kJudgeSize}, torch::kUInt8);
  result.azimuth = torch::empty({count}, torch::kFloat);
  for (int64_t begin = 0; begin < count; begin += kReadAtOnce) {
    const int64_t end = std::min(count, begin + kReadAtOnce);
    const corpus::Views some = corpus.views({views.begin() + begin, views.begin() + end});
    result.rgb.slice(0, begin, end) =
        (torch::adaptive_avg_pool2d(some.rgb, {kJudgeSize, kJudgeSize}) * 255).round().to(torch::kUInt8);
    result.azimuth.slice(0, begin, end) = some.azimuth;
  }
  std::vector<int64_t> sectors;
  for (int64_t i = 0; i < count; ++i) sectors.push_back(sector_of(result.azimuth[i].item<double>()));
  result.word = torch::tensor(words, torch::kLong);
  result.colour = torch::tensor(colours, torch::kLong);
  result.sector = torch::tensor(sectors, torch::kLong);
  result.mirrors = torch::tensor(mirrors, torch::kLong).to(torch::kBool);
  return result;
}

JudgeConfig config_of(const corpus::Corpus& corpus, int64_t width) {
  std::set<std::string> words, colours;
  for (const corpus::Item& item : corpus.items()) {
    words.insert(item.word);
    if (!item.colour.empty()) colours.insert(item.colour);
  }
  return {.words = {words.begin(), words.end()}, .colours = {colours.begin(), colours.end()}, .width = width};
}

/// [B,3,S,S] in 0..1 -> the same, each picture zoomed and shifted, some blurred, hazed or tinted.
torch::Tensor augmented(const torch::Tensor& pictures, Rng& rng) {
  const int64_t count = pictures.size(0);
  const torch::Tensor affine = torch::zeros({count, 2, 3});
  const torch::Tensor gain = torch::ones({count, 3, 1, 1}), haze = torch::zeros({count, 1, 1, 1});
  for (int64_t i = 0; i < count; ++i) {
    const double zoom = rng.uniform(0.9, 1.2);  // > 1: the object becomes smaller
    affine[i][0][0] = zoom;
    affine[i][1][1] = zoom;
    affine[i][0][2] = rng.uniform(-0.1, 0.1);
    affine[i][1][2] = rng.uniform(-0.1, 0.1);
    const double light = rng.uniform(0.85, 1.1);
    for (int64_t c = 0; c < 3; ++c) gain[i][c] = light * rng.uniform(0.93, 1.07);
    if (rng.chance(0.3)) haze[i] = rng.uniform(0, 0.35);
  }
  const torch::Tensor grid = torch::affine_grid_generator(affine, pictures.sizes(), /*align_corners=*/false);
  // Darkness (1 - picture) is 0 on the white ground, so that what comes in from outside is white.
  torch::Tensor dark = torch::grid_sampler(1 - pictures, grid, 0, 0, false) * (1 - haze);
  const double sigma = rng.uniform(0, 1.2);  // one blur a batch, for half of it
  if (sigma > 0.3) {
    const torch::Tensor x = torch::arange(-3, 4).to(torch::kFloat);
    torch::Tensor kernel = torch::exp(-x * x / (2 * sigma * sigma));
    kernel = (kernel / kernel.sum()).view({1, 1, 1, 7}).expand({3, 1, 1, 7});
    const auto filter = [&](const torch::Tensor& k, at::IntArrayRef padding) {
      auto half = dark.slice(0, 0, count / 2);
      half.copy_(torch::conv2d(half, k, {}, 1, padding, 1, /*groups=*/3));
    };
    filter(kernel, {0, 3});
    filter(kernel.transpose(2, 3).contiguous(), {3, 0});
  }
  return ((1 - dark) * gain).clamp(0, 1);
}

/// Logits [B,W,kSectors] -> [B,kSectors]: those for each picture's true word.
torch::Tensor sector_of_word(const torch::Tensor& logits, const torch::Tensor& word) {
  return logits.index({torch::arange(word.size(0)), word});
}

/// A share of pictures.
struct Batch {
  torch::Tensor rgb;                   // [B,3,S,S] in 0..1
  torch::Tensor word, colour, sector;  // [B]
};

/// `rows` of the pictures; by chance mirrored where that shows the object from the mirrored side.
Batch drawn(const Pictures& pictures, const torch::Tensor& rows, Rng& rng) {
  Batch batch{.rgb = pictures.rgb.index_select(0, rows).to(torch::kFloat) / 255,
              .word = pictures.word.index_select(0, rows),
              .colour = pictures.colour.index_select(0, rows),
              .sector = pictures.sector.index_select(0, rows)};
  std::vector<int64_t> coins;
  for (int64_t i = 0; i < rows.size(0); ++i) coins.push_back(rng.chance(0.5));
  const torch::Tensor turned =
      torch::tensor(coins, torch::kLong).to(torch::kBool) & pictures.mirrors.index_select(0, rows);
  batch.rgb = torch::where(turned.view({-1, 1, 1, 1}), batch.rgb.flip({3}), batch.rgb);
  batch.sector = torch::where(turned, (kSectors - batch.sector) % kSectors, batch.sector);
  batch.rgb = augmented(batch.rgb, rng);
  return batch;
}

torch::Tensor loss_of(const Verdict& verdict, const Batch& batch) {
  namespace F = torch::nn::functional;
  const auto entropy = [&](const torch::Tensor& logits, const torch::Tensor& wanted) {
    if ((wanted == kNoAnswer).all().item<bool>()) return torch::zeros({});
    return F::cross_entropy(logits, wanted,
                            F::CrossEntropyFuncOptions().ignore_index(kNoAnswer).label_smoothing(kLabelSmoothing));
  };
  return entropy(verdict.word, batch.word) + 0.5 * entropy(verdict.colour, batch.colour) +
         entropy(sector_of_word(verdict.sector, batch.word), batch.sector);
}

/// One cycle: linear up, cosine down.
double rate_at(double progress) {
  return progress < kWarmUp ? progress / kWarmUp
                            : 0.5 * (1 + std::cos(std::numbers::pi * (progress - kWarmUp) / (1 - kWarmUp)));
}

int64_t turn_between(int64_t a, int64_t b) {
  const int64_t d = std::abs(a - b) % kSectors;
  return std::min(d, kSectors - d);
}

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

/// Averages over the items in their own colours, a few held-out views of each.
std::map<std::string, RealLook> real_looks(const corpus::Corpus& corpus) {
  constexpr size_t kViews = 6;
  std::map<std::string, RealLook> sums;
  std::map<std::string, int> counts;
  for (const corpus::Item& item : corpus.items()) {
    if (item.recoloured) continue;
    std::vector<int64_t> some;
    for (int64_t i = 0; i < item.view_count && some.size() < kViews; ++i) {
      if (is_held_out(i)) some.push_back(item.first_view + i);
    }
    if (some.empty()) continue;
    const corpus::Views views = corpus.views(some);
    RealLook& sum = sums[item.word];
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

/// Counts that become an Accuracy.
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

bool is_held_out(int64_t view_of_item) { return view_of_item % kHeldOutEvery == kHeldOutEvery / 2; }

Judge train_judge(const corpus::Corpus& corpus, const JudgeTraining& options,
                  const std::function<void(int64_t, double)>& on_step, const std::atomic<bool>& stop) {
  torch::manual_seed(options.seed);  // the layers' initial weights
  Judge judge(config_of(corpus, options.width));
  const Pictures pictures = load(corpus, judge->config(), [](int64_t i) { return !is_held_out(i); });
  const int64_t count = pictures.rgb.size(0);
  torch::optim::AdamW optimizer(judge->parameters(), torch::optim::AdamWOptions(0).weight_decay(kWeightDecay));
  judge->train();
  for (int64_t step = 1; step <= options.steps && !stop; ++step) {
    Rng rng(static_cast<uint64_t>(options.seed), "judge", static_cast<uint64_t>(step));
    std::vector<int64_t> rows;
    for (int64_t i = 0; i < options.batch; ++i) rows.push_back(rng.integer(0, count));
    const Batch batch = drawn(pictures, torch::tensor(rows, torch::kLong), rng);
    const double progress = static_cast<double>(step) / static_cast<double>(options.steps);
    for (auto& group : optimizer.param_groups()) {
      static_cast<torch::optim::AdamWOptions&>(group.options()).lr(options.learning_rate * rate_at(progress));
    }
    optimizer.zero_grad();
    const torch::Tensor loss = loss_of(judge->forward(batch.rgb), batch);
    loss.backward();
    optimizer.step();
    on_step(step, loss.item<double>());
  }
  judge->eval();
  return judge;
}

JudgeReport examine_judge(Judge& judge, const corpus::Corpus& corpus) {
  const torch::NoGradGuard no_grad;
  const Pictures pictures = load(corpus, judge->config(), is_held_out);
  std::map<std::string, Tally> tallies;
  Tally all;
  for (int64_t begin = 0; begin < pictures.rgb.size(0); begin += kReadAtOnce) {
    const int64_t end = std::min(pictures.rgb.size(0), begin + kReadAtOnce);
    const Verdict verdict = judge->forward(pictures.rgb.slice(0, begin, end).to(torch::kFloat) / 255);
    const torch::Tensor five = std::get<1>(verdict.word.topk(std::min<int64_t>(5, verdict.word.size(1)), 1));
    const torch::Tensor colour = verdict.colour.argmax(1);
    const torch::Tensor words = pictures.word.slice(0, begin, end).clamp_min(0);  // kNoAnswer is passed over below
    const torch::Tensor sector = sector_of_word(verdict.sector, words).argmax(1);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = i - begin, word = pictures.word[i].item<int64_t>();
      if (word == kNoAnswer) continue;
      const int64_t seen = sector[row].item<int64_t>(), truth = pictures.sector[i].item<int64_t>();
      for (Tally* tally : {&all, &tallies[judge->config().words[static_cast<size_t>(word)]]}) {
        ++tally->views;
        tally->word += five[row][0].item<int64_t>() == word;
        tally->five += (five[row] == word).any().item<bool>();
        const int64_t true_colour = pictures.colour[i].item<int64_t>();
        tally->coloured += true_colour != kNoAnswer;
        tally->colour += true_colour != kNoAnswer && colour[row].item<int64_t>() == true_colour;
        tally->sector += turn_between(seen, truth) <= 1;
        const int64_t from_front = turn_between(truth, 0);
        if (from_front <= 1 || from_front >= kSectors / 2 - 1) {
          ++tally->facing;
          const int64_t seen_from_front = turn_between(seen, 0);
          tally->told += from_front <= 1 ? seen_from_front <= 1 : seen_from_front >= kSectors / 2 - 1;
        }
      }
    }
  }
  JudgeReport report{.all = all.accuracy(), .by_word = {}, .looks = real_looks(corpus)};
  for (const auto& [word, tally] : tallies) report.by_word[word] = tally.accuracy();
  return report;
}

std::string to_json(const JudgeReport& report) {
  nlohmann::json by_word = nlohmann::json::object(), looks = nlohmann::json::object();
  for (const auto& [word, accuracy] : report.by_word) by_word[word] = json_of(accuracy);
  for (const auto& [word, look] : report.looks) {
    looks[word] = {{"sharpness", look.sharpness}, {"saturation", look.saturation}};
  }
  return nlohmann::json{{"all", json_of(report.all)}, {"by_word", by_word}, {"looks", looks}}.dump();
}

JudgeReport read_judge_report(const std::filesystem::path& judge_folder) {
  const std::filesystem::path file = judge_folder / "judge.json";
  const nlohmann::json json = weights::read_json_object(file);
  JudgeReport report;
  try {
    const nlohmann::json& stored = json.at("report");
    report.all = accuracy_of(stored.at("all"));
    for (const auto& [word, entry] : stored.at("by_word").items()) report.by_word[word] = accuracy_of(entry);
    for (const auto& [word, entry] : stored.at("looks").items()) {
      report.looks[word] = {.sharpness = entry.at("sharpness"), .saturation = entry.at("saturation")};
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
