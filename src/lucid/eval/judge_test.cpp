// SPDX-License-Identifier: Apache-2.0
// Tests of the judge: training on a toy corpus, report on held-out views, files, mirrored labels.
#include "lucid/eval/judge.h"

#include <gtest/gtest.h>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/eval/judge_pictures.h"
#include "lucid/eval/judge_report.h"
#include "lucid/eval/judge_training.h"

namespace lucid::eval {
namespace {
namespace fs = std::filesystem;

/// Two words (a square, a bar) in two colours, with a dark patch on the side that faces azimuth 0.
void write_corpus(const fs::path& folder) {
  corpus::CorpusWriter writer(folder, 32);
  constexpr int64_t kViews = 40;
  for (const char* word : {"square", "bar"}) {
    for (const char* colour : {"red", "blue"}) {
      const torch::Tensor rgb = torch::full({kViews, 3, 32, 32}, 255, torch::kUInt8);
      const torch::Tensor alpha = torch::zeros({kViews, 1, 32, 32}, torch::kUInt8);
      const torch::Tensor azimuth = torch::empty({kViews});
      const int64_t top = std::string(word) == "bar" ? 13 : 6, bottom = 32 - top;
      for (int64_t view = 0; view < kViews; ++view) {
        azimuth[view] = 9.0 * static_cast<double>(view) - 180;
        auto body = rgb[view].slice(1, top, bottom).slice(2, 6, 26);
        body.fill_(30);
        body[std::string(colour) == "red" ? 0 : 2].fill_(220);
        alpha[view].slice(1, top, bottom).slice(2, 6, 26).fill_(255);
        const double turned = azimuth[view].item<double>() / 180;
        const auto left = static_cast<int64_t>(std::lround(14 + 12 * turned));
        rgb[view]
            .slice(1, top + 2, bottom - 2)
            .slice(2, std::max<int64_t>(left, 2), std::min<int64_t>(left + 4, 30))
            .fill_(0);
      }
      writer.add({.object = word, .word = word, .colour = colour, .captions = {word}}, rgb, alpha, azimuth,
                 torch::zeros({kViews}));
    }
  }
  writer.finish();
}

TEST(Judge, LearnsWhatItIsShownAndComesBackFromItsFiles) {
  const lucid::test::TemporaryFolder folder;
  write_corpus(folder.path / "corpus");
  const corpus::Corpus corpus(folder.path / "corpus");
  std::atomic<bool> stop{false};
  double first = 0, last = 0;
  Judge judge = train_judge(
      corpus, {.steps = 60, .batch = 24, .width = 8},
      [&](int64_t step, double loss) { (step == 1 ? first : last) = loss; }, stop);
  EXPECT_LT(last, 0.7 * first);
  const JudgeReport report = evaluate_judge(judge, corpus, is_held_out);
  EXPECT_EQ(report.all.views, 16);
  EXPECT_GE(report.all.word, 0.9);
  EXPECT_GE(report.all.colour, 0.9);
  EXPECT_GE(report.all.sector, 0.7);  // by chance 0.375
  EXPECT_EQ(report.by_word.size(), 2u);
  EXPECT_GT(report.real_renders.at("bar").saturation, 0.5);

  save_judge(folder.path / "judge", judge, to_json(report));
  Judge again = load_judge(folder.path / "judge");
  EXPECT_EQ(again->config().words, (std::vector<std::string>{"bar", "square"}));
  const JudgeReport stored = read_judge_report(folder.path / "judge");
  EXPECT_EQ(stored.all.word, report.all.word);
  EXPECT_EQ(stored.by_word.at("square").views, 8);
  EXPECT_EQ(stored.real_renders.at("bar").sharpness, report.real_renders.at("bar").sharpness);
  const torch::Tensor pictures = corpus.views({0, 41, 82}).rgb;
  EXPECT_TRUE(torch::allclose(again->forward(pictures).word, judge->forward(pictures).word, 1e-2, 2e-2));
}

TEST(Judge, AMirroredPictureIsOfTheMirroredSide) {
  // One picture of sector 2, dark on its left half. A mirrored copy must have sector 6.
  JudgePictures pictures{.rgb = torch::full({1, 3, kJudgeSize, kJudgeSize}, 255, torch::kUInt8),
                         .word = torch::zeros({1}, torch::kLong),
                         .colour = torch::zeros({1}, torch::kLong),
                         .sector = torch::full({1}, 2, torch::kLong),
                         .mirrors = torch::ones({1}, torch::kBool)};
  pictures.rgb.slice(3, 0, kJudgeSize / 2).fill_(0);
  Rng rng(0, "test");
  const torch::Tensor rows = torch::zeros({32}, torch::kLong);
  const JudgeBatch batch = draw_batch(pictures, rows, rng);
  const torch::Tensor left = batch.rgb.slice(3, 0, kJudgeSize / 2).mean({1, 2, 3}),
                      right = batch.rgb.slice(3, kJudgeSize / 2).mean({1, 2, 3});
  EXPECT_TRUE(torch::equal(batch.sector, torch::where(left < right, 2, 6)));
  EXPECT_TRUE((batch.sector == 2).any().item<bool>());
  EXPECT_TRUE((batch.sector == 6).any().item<bool>());

  pictures.mirrors.zero_();
  EXPECT_TRUE((draw_batch(pictures, rows, rng).sector == 2).all().item<bool>());
}

TEST(Judge, BadFilesAreNamed) {
  const lucid::test::TemporaryFolder folder;
  EXPECT_THROW(load_judge(folder.path), UserError);
  for (const char* json : {"{}", R"({"words":[],"colours":["red"]})", R"({"words":["a"],"colours":[3]})",
                           R"({"words":["a"],"colours":["red"],"width":100000})"}) {
    SCOPED_TRACE(json);
    write_file(folder.path / "judge.json", json);
    EXPECT_THROW(load_judge(folder.path), UserError);
  }
}

TEST(Judge, SectorsWrapAround) {
  EXPECT_EQ(sector_of(0), 0);
  EXPECT_EQ(sector_of(-10), 0);
  EXPECT_EQ(sector_of(44), 1);
  EXPECT_EQ(sector_of(-45), 7);
  EXPECT_EQ(sector_of(180), 4);
  EXPECT_EQ(sector_of(-180), 4);
  EXPECT_EQ(sector_of(720 + 91), 2);
}

}  // namespace
}  // namespace lucid::eval
