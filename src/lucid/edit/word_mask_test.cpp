// SPDX-License-Identifier: Apache-2.0
// Masks by a word with the embedded prior: the word for a colour finds the part of that colour.
#include "lucid/edit/word_mask.h"

#include <gtest/gtest.h>

#include "goldens.h"
#include "lucid/gaussians/starts.h"
#include "mistakes.h"

namespace lucid::edit {
namespace {

using torch::Tensor;

ViewOptions views_of_mini() {
  ViewOptions views;
  views.width = views.height = 128;
  views.default_radius = 3.2;
  views.default_fovy = 0.68;
  return views;
}

/// A ball of 0.7, orange below z = 0 and light grey above.
gaussians::Cloud two_coloured_ball() {
  gaussians::Cloud cloud = gaussians::make_start({.count = 4000, .radius = 0.7, .opacity = 0.9});
  cloud.log_scales.fill_(-3.2);
  const Tensor below = (cloud.means.select(1, 2) < 0).view({-1, 1, 1});
  const Tensor orange = torch::tensor({1.5F, 0.1F, -1.6F}).view({1, 1, 3}), grey = torch::full({1, 1, 3}, 0.9F);
  cloud.sh_dc = torch::where(below, orange, grey).expand_as(cloud.sh_dc).contiguous();
  return cloud;
}

TEST(WordMask, AColoursWordFindsThePartOfThatColour) {
  text_to_image::Prior prior = text_to_image::load_prior(test::source_dir() / "models/mini");
  const gaussians::Cloud ball = two_coloured_ball();
  gaussians::ViewRenderer renderer(torch::kCPU);
  const Tensor below = ball.means.select(1, 2) < 0;
  const auto share = [&](const char* word) {  // of the lower half among what is inside
    const auto pictures =
        word_pictures(prior, ball, {.prompt = "an orange camping lantern", .word = word}, views_of_mini());
    EXPECT_EQ(pictures.size(), 16u);
    EXPECT_EQ(pictures[0].white.sizes(), torch::IntArrayRef({128, 128}));
    const Tensor inside = marked(ball, pictures, renderer);
    EXPECT_GT(inside.sum().item<int64_t>(), 200) << word;
    return (inside & below).sum().item<double>() / inside.sum().item<double>();
  };
  const double of_orange = share("orange");
  std::printf("  orange: %.2f of the Gaussians inside are orange\n", of_orange);
  EXPECT_GT(of_orange, 0.9);
}

TEST(WordMask, AHigherThresholdTakesLessIn) {
  text_to_image::Prior prior = text_to_image::load_prior(test::source_dir() / "models/mini");
  const auto white = [&](double threshold) {
    double sum = 0;
    for (const MaskPicture& picture : word_pictures(
             prior, two_coloured_ball(),
             {.prompt = "an orange camping lantern", .word = "orange", .threshold = threshold}, views_of_mini()))
      sum += picture.white.mean().item<double>();
    return sum;
  };
  const double wide = white(0.2), narrow = white(0.7);
  EXPECT_GT(narrow, 0);
  EXPECT_LT(narrow, 0.7 * wide);
}

TEST(WordMask, AWordThatIsNotInThePromptIsRefused) {
  text_to_image::Prior prior = text_to_image::load_prior(test::source_dir() / "models/mini");
  for (const char* word : {"hat", "lantern camping", ""}) {
    const UserMistake mistake = test::mistake_of([&] {
      word_pictures(prior, two_coloured_ball(), {.prompt = "an orange camping lantern", .word = word}, views_of_mini());
    });
    EXPECT_EQ(mistake.key, "mask_word") << word;
  }
}

}  // namespace
}  // namespace lucid::edit
