// SPDX-License-Identifier: Apache-2.0
// The early signs: what each is found in, and that a start in good health has none.
#include "lucid/train/health.h"

#include <gtest/gtest.h>

#include "lucid/gaussians/starts.h"

namespace lucid::train {
namespace {

constexpr double kExtent = 3.5;
constexpr Ailment kAll[] = {Ailment::kExploding, Ailment::kVanishing, Ailment::kHaze, Ailment::kNoScore};

Model healthy() { return start_model(gaussians::make_start({.count = 1000})); }

StepReport pictures(double alpha, double covered) {
  StepReport report;
  report.score_norm = 1;
  gaussians::RenderedView view;
  view.alpha = torch::zeros({1, 100, 100});
  view.alpha.slice(1, 0, static_cast<int64_t>(100 * covered)).fill_(alpha);
  report.views = {view, view};
  return report;
}

TEST(HealthSigns, AGoodModelHasNone) {
  const Model model = healthy();
  for (const Ailment ailment : kAll) EXPECT_EQ(sign_of(ailment, model, pictures(1, 0.4), kExtent), "");
  EXPECT_EQ(sign_of(Ailment::kHaze, model, pictures(0.5, 0.3), kExtent), "") << "a soft outline is no haze";
}

TEST(HealthSigns, EachIsFound) {
  Model far = healthy(), large = healthy(), few = start_model(gaussians::make_start({.count = 4}));
  far.cloud.means.slice(0, 0, 50).mul_(1000);
  large.cloud.log_scales.slice(0, 0, 50).fill_(5);
  EXPECT_NE(sign_of(Ailment::kExploding, far, {}, kExtent).find("5 %"), std::string::npos);
  EXPECT_NE(sign_of(Ailment::kExploding, large, {}, kExtent).find("5 %"), std::string::npos);
  EXPECT_NE(sign_of(Ailment::kVanishing, few, {}, kExtent).find("4 are left"), std::string::npos);
  EXPECT_NE(sign_of(Ailment::kVanishing, healthy(), pictures(0.01, 0.1), kExtent).find("0.10 %"), std::string::npos);
  StepReport silent = pictures(1, 0.4);
  silent.score_norm = 0;
  EXPECT_NE(sign_of(Ailment::kNoScore, healthy(), silent, kExtent).find("the score is 0"), std::string::npos);
  EXPECT_NE(sign_of(Ailment::kHaze, healthy(), pictures(0.5, 0.8), kExtent).find("80 %"), std::string::npos);
}

TEST(HealthSigns, EachIsSaidOnceAfterTwoLooks) {
  Model model = healthy();
  model.cloud.means.mul_(1000);
  TrainOptions options;
  options.iterations = 1000;
  StepReport report;
  Health health;
  std::vector<std::string> said;
  for (model.iteration = 1; model.iteration <= 200; ++model.iteration)
    for (const std::string& sign : health.look(model, report, options)) said.push_back(sign);
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].find("step 50: the Gaussians explode"), 0u) << said[0];
}

TEST(HealthSigns, TheHazeOfAStartIsNotSaid) {
  Model model = healthy();
  TrainOptions options;
  options.iterations = 900;
  StepReport report;
  report = pictures(0.5, 0.8);
  Health health;
  for (model.iteration = 1; model.iteration < 300; ++model.iteration)
    EXPECT_TRUE(health.look(model, report, options).empty()) << model.iteration;
  int said = 0;
  for (; model.iteration <= 900; ++model.iteration)
    said += static_cast<int>(health.look(model, report, options).size());
  EXPECT_EQ(said, 1);
}

}  // namespace
}  // namespace lucid::train
