// SPDX-License-Identifier: Apache-2.0
// Tests of the report (means, pairs, HTML), of prompt sets, and of the reprojection error on a cloud of Gaussians.
#include "lucid/eval/report.h"

#include <gtest/gtest.h>

#include <set>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/eval/asset_views.h"
#include "lucid/eval/prompt_set.h"
#include "lucid/gaussians/starts.h"

namespace lucid::eval {
namespace {

AssetResult result(const std::string& prompt, int64_t rank, double sharpness, const std::string& score = "ism") {
  AssetResult r;
  r.prompt = prompt;
  r.word = prompt;
  r.score = score;
  r.rank = rank;
  r.sharpness = sharpness;
  r.taken_for = "<mug>";
  r.seconds = 10;
  r.peak_mb = 100 * rank;
  return r;
}

TEST(Report, MeansLeaveOutWhatIsMissing) {
  std::vector<AssetResult> results{result("a", 1, 1), result("b", 2, 2), result("c", 7, 3)};
  results[1].view_accuracy = 0.5;
  const nlohmann::json s = summary(results, 0.9);
  EXPECT_EQ(s.at("prompts"), 3);
  EXPECT_NEAR(s.at("r_precision_1"), 1.0 / 3, 1e-12);
  EXPECT_NEAR(s.at("r_precision_5"), 2.0 / 3, 1e-12);
  EXPECT_EQ(s.at("view_accuracy"), 0.5);
  EXPECT_EQ(s.at("view_accuracy_of"), 1);
  EXPECT_TRUE(s.at("janus_rate").is_null());
  EXPECT_EQ(s.at("peak_mb"), 700);
  EXPECT_EQ(s.at("judge_accuracy"), 0.9);
}

TEST(Report, FineEnergyIsComparedByItsMeansAndByTheMedianOfRatios) {
  std::vector<AssetResult> results(4);
  const double fine[] = {1, 2, 3, 100}, real[] = {1, 1, 1, 0};
  for (size_t i = 0; i < 4; ++i) results[i].close_up.fine_energy = fine[i], results[i].real_fine_energy = real[i];
  results[2].real_fine_energy = 6;
  const nlohmann::json s = summary(results, 1);
  EXPECT_NEAR(s.at("fine_energy_ratio"), 6.0 / 8, 1e-12);  // the last has nothing to be compared with
  EXPECT_NEAR(s.at("fine_energy_ratio_median"), 1, 1e-12);
  EXPECT_NEAR(s.at("fine_energy"), 106.0 / 4, 1e-12);
  EXPECT_TRUE(s.at("floater_rate").is_null());
  results[0].has_floaters = true;
  results[1].has_floaters = false;
  EXPECT_EQ(summary(results, 1).at("floater_rate"), 0.5);
  EXPECT_EQ(summary(results, 1).at("floater_rate_of"), 2);
}

TEST(Report, ResultsComeBackFromJson) {
  AssetResult r = result("a blue mug", 3, 0.25);
  r.colour_right = true;
  r.second_front = false;
  r.sides_seen = {0, 45, 315};
  r.reprojection_error = 0.01;
  r.close_up = {.fine_energy = 0.002,
                .floater_share = 0.25,
                .haze = 0.125,
                .largest_floater = 40,
                .reprojection_error = 0.03,
                .detail_agreement = 0.5};
  r.real_fine_energy = 0.001;
  r.has_floaters = true;
  r.clip_score = 27.5;
  r.clip_rank = 2;
  r.unseen = true;
  EXPECT_EQ(to_json(result_from_json(to_json(r))), to_json(r));
  EXPECT_EQ(to_json(r).at("fine_energy_ratio"), 2);
}

TEST(Report, PairsAreOfThePromptAndSeed) {
  std::vector<AssetResult> ism, sds;
  for (int i = 0; i < 24; ++i) {
    ism.push_back(result(std::to_string(i), 1, 2 + 0.01 * i));
    sds.push_back(result(std::to_string(23 - i), 1, i == 0 ? 3 : 1, "sds"));
  }
  const nlohmann::json c = comparison(ism, sds).at("sharpness");
  EXPECT_EQ(c.at("pairs"), 24);
  EXPECT_NEAR(c.at("share_greater"), 23.0 / 24, 1e-12);
  EXPECT_GT(c.at("low"), 0);
  EXPECT_FALSE(comparison(ism, sds).contains("view_accuracy"));
}

TEST(Report, ThePageEscapesAndShowsEveryAsset) {
  const std::vector<AssetResult> results{result("a \"<b>\" & c", 1, 1), result("d", 2, 2)};
  nlohmann::json report{{"summary", {{"ism", summary(results, 1)}}}, {"assets", nlohmann::json::array()}};
  for (const AssetResult& r : results) report["assets"].push_back(to_json(r));
  const std::string page = html(report);
  EXPECT_NE(page.find("a &quot;&lt;b&gt;&quot; &amp; c"), std::string::npos);
  EXPECT_EQ(page.find("<b>"), std::string::npos);
  EXPECT_NE(page.find("rank 2"), std::string::npos);
}

TEST(PromptSet, GoesEvenlyThroughTheVocabulary) {
  std::vector<std::string> names;
  for (int i = 0; i < 30; ++i) names.push_back(fmt::format("thing{:02}", i));
  const auto few = standard_prompts({.names = names, .colours = {"red", "orange"}, .seen = {}}, 10);
  std::set<std::string> words, coloured;
  for (const EvalPrompt& p : few) {
    words.insert(p.word);
    if (!p.colour.empty()) coloured.insert(p.text);
  }
  EXPECT_EQ(words.size(), 10u);
  EXPECT_EQ(coloured, (std::set<std::string>{"a red thing03", "an orange thing12", "a red thing21"}));
  EXPECT_EQ(standard_prompts({.names = names, .colours = {}, .seen = {}}, 45)[44].text, "a thing14");
}

TEST(PromptSet, ColoursAreOnesThatTrainingDidNotSeeTheNameIn) {
  const SeenColours seen{{"ant", {"red"}}, {"bee", {"red", "blue"}}, {"cat", {"blue", "red", "green"}}};
  const auto prompts =
      standard_prompts({.names = {"ant", "bee", "cat", "dog"}, .colours = {"red", "blue", "green"}, .seen = seen}, 24);
  int64_t coloured = 0;
  for (const EvalPrompt& p : prompts) {
    coloured += !p.colour.empty();
    EXPECT_FALSE(p.word == "ant" && p.colour == "red");
    EXPECT_TRUE(p.word != "bee" || p.colour.empty() || p.colour == "green") << p.text;
    // The cat was trained in all colours; the dog's colours are unknown.
    EXPECT_EQ(p.unseen, !p.colour.empty() && (p.word == "ant" || p.word == "bee")) << p.text;
  }
  EXPECT_EQ(coloured, 8);
}

TEST(PromptSet, AFileNamesItsBadLine) {
  const lucid::test::TemporaryFolder folder;
  const auto file = folder.path / "prompts.txt";
  write_file(file, "# mine\n\na red teddy bear\r\na bear\n");
  const auto prompts =
      read_prompts(file, {.names = {"bear", "teddy bear"}, .colours = {"red"}, .seen = {{"teddy bear", {"blue"}}}});
  ASSERT_EQ(prompts.size(), 2u);
  EXPECT_EQ(prompts[0].word, "teddy bear");
  EXPECT_EQ(prompts[0].colour, "red");
  EXPECT_TRUE(prompts[0].unseen);
  EXPECT_FALSE(prompts[1].unseen);
  write_file(file, "a bear\na zebra\n");
  try {
    read_prompts(file, {.names = {"bear"}, .colours = {}, .seen = {}});
    ADD_FAILURE();
  } catch (const UserError& error) {
    EXPECT_EQ(error.mistake().line, 2);
  }
}

TEST(AssetViews, ReprojectionErrorIsSmallForASolidObjectAndLargeForInvertedViews) {
  gaussians::Cloud cloud = gaussians::make_start({.kind = "sphere", .count = 20000});
  {
    const torch::NoGradGuard no_grad;
    cloud.means.copy_(0.6 * cloud.means / cloud.means.norm(2, 1, true));  // a shell
    cloud.log_scales.fill_(std::log(0.02));
    cloud.opacity_logits.fill_(6);
    // Colours vary smoothly in space, so that a small error of position is a small error of colour.
    cloud.sh_dc.copy_(cloud.means.unsqueeze(1) * 0.8);
  }
  AssetViews views = render_asset(cloud, 24);
  EXPECT_EQ(views.rgb.sizes(), (std::vector<int64_t>{24, 3, 128, 128}));
  EXPECT_EQ(views.azimuths()[6], 90);
  const double good = reprojection_error(views);
  EXPECT_LT(good, 0.05);
  for (int64_t view = 0; view < 24; view += 2) views.rgb[view] = 1 - views.rgb[view];
  EXPECT_GT(reprojection_error(views), 4 * good);
}

}  // namespace
}  // namespace lucid::eval
