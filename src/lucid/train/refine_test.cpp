// SPDX-License-Identifier: Apache-2.0
// Tests of the refining stage: which steps are its rounds, its loss, and what a round does to a cloud.
#include "lucid/train/refine.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <optional>

#include "goldens.h"
#include "lucid/gaussians/starts.h"
#include "lucid/text_to_image/prior.h"

namespace lucid::train {
namespace {

TEST(Refining, RoundsFollowTheStepsAndAreRepeatedAfterMoreSteps) {
  TrainOptions options;
  options.iterations = 10;
  EXPECT_EQ(options.all_steps(), 10);
  EXPECT_EQ(options.refining_round(10), -1);
  EXPECT_EQ(options.refining_round(11), -1);
  options.refine.iter = 2;
  EXPECT_EQ(options.all_steps(), 12);
  options.more_steps = 3;
  EXPECT_EQ(options.all_steps(), 17);
  const std::vector<int64_t> rounds{-1, -1, 0, 1, -1, -1, -1, 0, 1, -1};
  for (int64_t step = 9; step <= 18; ++step) {
    EXPECT_EQ(options.refining_round(step), rounds[static_cast<size_t>(step - 9)]) << step;
  }
}

/// The embedded prior, and a small cloud after some rounds of refining.
class Refined {
 public:
  explicit Refined(TrainOptions of) : options(std::move(of)) {}

  /// Takes `rounds` rounds with a model that starts as `cloud`; their losses.
  std::vector<StepReport> rounds(int64_t count) {
    const auto distiller = distill::make_distiller(options.score);
    const Scene scene{.options = options,
                      .prior = prior,
                      .encoder = encoder,
                      .denoiser = *asked,
                      .prompts = prompts,
                      .distiller = *distiller,
                      .device = torch::kCPU,
                      .colours = colours ? &*colours : nullptr,
                      .upscaler = upscaler ? &upscaler : nullptr};
    gaussians::ViewRenderer renderer(torch::kCPU);
    std::vector<StepReport> reports;
    for (int64_t i = 0; i < count; ++i) reports.push_back(refining_round(scene, model, renderer));
    return reports;
  }

  TrainOptions options;
  text_to_image::Prior prior = text_to_image::load_prior(test::source_dir() / "models/mini");
  diffusion::UNetDenoiser denoiser{prior.unet};
  diffusion::Denoiser* asked = &denoiser;
  diffusion::ImageEncoder encoder{prior.vae};
  text_to_image::ViewPrompts prompts = text_to_image::view_prompts(prior, "a hamburger", "", "");
  Model model = start_model(gaussians::make_start({.count = 1500, .opacity = 0.5}));
  std::optional<gaussians::Cloud> colours;
  upscale::Network upscaler{nullptr};
};

TrainOptions few_rounds() {
  TrainOptions options;
  options.iterations = options.rates.iterations = 1;
  options.batch = 2;
  options.views.width = options.views.height = 128;
  options.views.radius = {3.2, 3.2};
  options.views.fovy = {0.68, 0.68};
  options.score.perpneg = false;
  options.refine = {.iter = 2, .views = 4, .denoise_steps = 2, .fit_steps = 12, .rate = 20};
  options.filter_3d = 0.2;
  return options;
}

TEST(Refining, FitsTheGaussiansToWhatThePriorMakesOfTheirViews) {
  TrainOptions options = few_rounds();
  options.refine.fit_steps = 1;
  Refined little(options);
  little.model.iteration = 1;
  const double before = little.rounds(1)[0].score_norm;
  options.refine.fit_steps = 40;
  Refined long_fit(options);
  long_fit.model.iteration = 1;
  const double mean = long_fit.rounds(1)[0].score_norm;
  EXPECT_LT(mean, 0.9 * before) << "the mean loss of 40 steps, beside that of the first";
  EXPECT_EQ(long_fit.model.adam.steps, 40);
  EXPECT_EQ(long_fit.model.cloud.filter_3d.size(0), 1500);
}

TEST(Refining, IsAFunctionOfModelAndSeedAndItsNoiseFalls) {
  Refined first(few_rounds()), again(few_rounds());
  TrainOptions other_seed = few_rounds();
  other_seed.seed = 1;
  Refined other(other_seed);
  for (Refined* refined : {&first, &again, &other}) refined->model.iteration = 1;
  const auto reports = first.rounds(2);
  EXPECT_EQ(first.model.iteration, 3);
  EXPECT_EQ(reports[0].timestep, 800);
  EXPECT_EQ(reports[1].timestep, 200);
  again.rounds(2);
  other.rounds(2);
  for (const auto& [a, b] : {std::pair{first.model.cloud.means, again.model.cloud.means},
                             {first.model.cloud.log_scales, again.model.cloud.log_scales},
                             {first.model.cloud.sh_dc, again.model.cloud.sh_dc}}) {
    EXPECT_TRUE(a.equal(b));
  }
  EXPECT_FALSE(first.model.cloud.means.equal(other.model.cloud.means));
}

// White Gaussians beside the object cannot be seen on white.
TEST(Refining, AnotherBackgroundShowsWhiteHaze) {
  constexpr int64_t kHaze = 100;
  const auto opacity_after_a_round = [kHaze](double background) {
    TrainOptions options = few_rounds();
    options.refine.fit_steps = 40;
    options.refine.t_first = options.refine.t_last = 0.1;  // the prior repeats what it sees
    options.refine.background = background;
    Refined refined(options);
    gaussians::Cloud& cloud = refined.model.cloud;
    cloud.means.slice(0, 0, kHaze) *= 0.2;
    cloud.means.slice(0, 0, kHaze).select(1, 0) += 0.9;
    cloud.sh_dc.slice(0, 0, kHaze).fill_(0.5 / 0.2820948);  // white
    cloud.opacity_logits.slice(0, 0, kHaze).fill_(-1);
    refined.model.iteration = 1;
    refined.rounds(1);
    return refined.model.cloud.opacity_logits.slice(0, 0, kHaze).sigmoid().mean().item<double>();
  };
  const double on_white = opacity_after_a_round(0), on_colours = opacity_after_a_round(0.5);
  EXPECT_LT(on_colours, 0.1 * on_white);
}

TEST(Refining, AHeldShapeChangesItsColoursAlone) {
  Refined refined(few_rounds());
  refined.model.iteration = 1;
  refined.model.kept = optim::KeptShape::of(refined.model.cloud);
  const gaussians::Cloud before = refined.model.cloud;
  const torch::Tensor means = before.means.clone(), scales = before.log_scales.clone(), colours = before.sh_dc.clone();
  refined.rounds(1);
  EXPECT_TRUE(refined.model.cloud.means.equal(means));
  EXPECT_TRUE(refined.model.cloud.log_scales.equal(scales));
  EXPECT_FALSE(refined.model.cloud.sh_dc.equal(colours));
}

/// A denoiser with a ControlNet, as far as a round can tell.
class WithControl final : public diffusion::Denoiser {
 public:
  explicit WithControl(diffusion::Denoiser& inner) : inner_(inner) {}
  torch::Tensor predict(const torch::Tensor& x, const torch::Tensor& t, const nn::PromptMix& prompts) override {
    return inner_.predict(x, t, prompts);
  }
  bool needs_control_images() const override { return true; }
  void set_control_images(const torch::Tensor& images) override { shown.push_back(images.clone()); }
  std::vector<torch::Tensor> shown;

 private:
  diffusion::Denoiser& inner_;
};

TEST(Refining, AControlNetSeesTheDisparityOfEachViewThatIsDenoised) {
  Refined refined(few_rounds());
  WithControl control(refined.denoiser);
  refined.asked = &control;
  refined.model.iteration = 1;
  refined.rounds(1);
  ASSERT_EQ(control.shown.size(), 2u) << "four views in batches of two";
  for (const torch::Tensor& images : control.shown) {
    EXPECT_EQ(images.sizes(), (std::vector<int64_t>{2, 3, 128, 128}));
    EXPECT_GT(images.std().item<double>(), 0.05) << "no object in it";
  }
  EXPECT_FALSE(control.shown[0].equal(control.shown[1]));
}

TEST(Refining, TheGroundIsWhiteBeyondATwentyFifthOfTheWidth) {
  torch::Tensor alpha = torch::zeros({1, 1, 50, 50});
  alpha[0][0][20][30] = 0.06f;
  alpha[0][0][5][5] = 0.04f;  // not seen
  const torch::Tensor picture = on_white_ground(torch::full({1, 3, 50, 50}, 0.25f), alpha);
  for (int64_t y = 0; y < 50; ++y) {
    for (int64_t x = 0; x < 50; ++x) {
      const bool near = std::abs(y - 20) <= 2 && std::abs(x - 30) <= 2;
      ASSERT_EQ(picture[0][1][y][x].item<float>(), near ? 0.25f : 1.0f) << y << ", " << x;
    }
  }
}

/// SSIM of one channel at one pixel, by the definition; outside the picture is 0.
double ssim_at(const torch::Tensor& x, const torch::Tensor& y, int64_t row, int64_t column) {
  double weights = 0, mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
  for (int64_t dr = -5; dr <= 5; ++dr) {
    for (int64_t dc = -5; dc <= 5; ++dc) weights += std::exp(-static_cast<double>(dr * dr + dc * dc) / 4.5);
  }
  for (int64_t dr = -5; dr <= 5; ++dr) {
    for (int64_t dc = -5; dc <= 5; ++dc) {
      const int64_t r = row + dr, c = column + dc;
      if (r < 0 || c < 0 || r >= x.size(0) || c >= x.size(1)) continue;
      const double w = std::exp(-static_cast<double>(dr * dr + dc * dc) / 4.5) / weights;
      const double a = x[r][c].item<double>(), b = y[r][c].item<double>();
      mx += w * a;
      my += w * b;
      xx += w * a * a;
      yy += w * b * b;
      xy += w * a * b;
    }
  }
  return (2 * mx * my + 1e-4) * (2 * (xy - mx * my) + 9e-4) /
         ((mx * mx + my * my + 1e-4) * (xx - mx * mx + yy - my * my + 9e-4));
}

TEST(StructuralDissimilarity, FollowsItsDefinition) {
  torch::manual_seed(3);
  const torch::Tensor x = torch::rand({1, 2, 14, 9}, torch::kDouble), y = 0.7 * x + 0.2 * torch::rand_like(x);
  double sum = 0;
  for (int64_t channel = 0; channel < 2; ++channel) {
    for (int64_t r = 0; r < 14; ++r) {
      for (int64_t c = 0; c < 9; ++c) sum += ssim_at(x[0][channel], y[0][channel], r, c);
    }
  }
  EXPECT_NEAR(structural_dissimilarity(x, y).item<double>(), 1 - sum / (2 * 14 * 9), 1e-9);
  EXPECT_NEAR(structural_dissimilarity(x, x).item<double>(), 0, 1e-12);
}

TEST(Refining, TheDissimilarityOfObjectsIsThatOfWholePictures) {
  torch::manual_seed(6);
  torch::Tensor x = torch::ones({2, 3, 60, 70}), y = torch::ones({2, 3, 60, 70});
  for (torch::Tensor* picture : {&x, &y}) picture->slice(2, 20, 41).slice(3, 15, 40).uniform_(0, 0.9);
  const double whole = structural_dissimilarity(x, y).item<double>();
  EXPECT_GT(whole, 0.05);
  EXPECT_NEAR(dissimilarity_of_objects(x, y, y).item<double>(), whole, 1e-5 * whole);
  const torch::Tensor white = torch::ones({1, 3, 20, 20});
  EXPECT_GT(dissimilarity_of_objects(white - 0.5, white, white).item<double>(), 0.01) << "a target without an object";
}

/// A disc of one colour in the left part of a picture of 96 x 96, on white.
SeenObject disc(std::array<float, 3> colour) {
  const torch::Tensor at = torch::arange(96, torch::kFloat) - 48;
  const torch::Tensor alpha =
      ((at.view({96, 1}).square() + (at.view({1, 96}) + 12).square()) < 30 * 30).to(torch::kFloat).view({1, 1, 96, 96});
  const torch::Tensor flat = torch::tensor({colour[0], colour[1], colour[2]}).view({1, 3, 1, 1});
  return {.rgb = 1 + alpha * (flat - 1), .alpha = alpha};
}

TEST(Refining, BroadColoursComeFromTheGuideAndDetailFromThePicture) {
  const SeenObject red = disc({0.7F, 0.2F, 0.2F}), orange = disc({0.8F, 0.5F, 0.1F});
  torch::manual_seed(4);
  SeenObject textured = red;
  textured.rgb = red.rgb + 0.1 * red.alpha * torch::randn({1, 1, 96, 96}).clamp(-1, 1);
  const torch::Tensor result = with_colours_of(orange, textured, 1);
  const torch::Tensor inside = red.alpha.expand_as(result) > 0.5;
  EXPECT_LT((result - orange.rgb).masked_select(inside).abs().mean().item<double>(), 0.1) << "the texture alone";
  const torch::Tensor moved = (result - textured.rgb).masked_select(inside).view({-1});
  const torch::Tensor wanted = (orange.rgb - red.rgb).masked_select(inside);
  EXPECT_LT((moved - wanted).abs().mean().item<double>(), 0.02) << "the texture is as it was";
  EXPECT_LT(((result - textured.rgb) * (1 - red.alpha)).abs().max().item<double>(), 1e-6) << "the ground";
  EXPECT_LT((with_colours_of(orange, textured, 0) - textured.rgb.clamp(0, 1)).abs().max().item<double>(), 1e-6);
  const torch::Tensor half = with_colours_of(orange, red, 0.5);
  EXPECT_NEAR(half[0][1][48][36].item<double>(), 0.35, 0.01);
  // A guide that shows nothing near by has no say.
  SeenObject elsewhere = orange;
  elsewhere.alpha = torch::zeros_like(orange.alpha);
  EXPECT_LT((with_colours_of(elsewhere, red, 1) - red.rgb).abs().max().item<double>(), 1e-6);
}

TEST(Refining, ARoundTakesTheColoursOfTheStart) {
  gaussians::Cloud blue = gaussians::make_start({.count = 3000, .radius = 0.6, .opacity = 0.95});
  blue.log_scales.fill_(-3);
  blue.sh_dc.copy_(torch::tensor({-1.2F, -0.6F, 1.4F}).view({1, 1, 3}).expand_as(blue.sh_dc));
  const auto blueness = [&](double share) {  // mean of blue minus red
    TrainOptions options = few_rounds();
    options.refine.colour = share;
    Refined refined(options);
    refined.colours = blue;
    refined.model.iteration = 1;
    refined.rounds(2);
    const torch::Tensor dc = refined.model.cloud.sh_dc.view({-1, 3});
    return (dc.select(1, 2) - dc.select(1, 0)).mean().item<double>();
  };
  EXPECT_GT(blueness(1), blueness(0) + 0.05);
}

TEST(Refining, TheLastRoundsFitToEnlargedPictures) {
  TrainOptions options = few_rounds();
  options.refine.fine = 1;
  options.refine.fit_steps = 3;
  Refined plain(options), refined(options);
  refined.upscaler = upscale::Network(upscale::NetworkConfig{.factor = 2, .width = 4, .blocks = 1});
  for (Refined* one : {&plain, &refined}) {
    one->model.iteration = 1;
    one->rounds(1);
  }
  EXPECT_TRUE(plain.model.cloud.means.equal(refined.model.cloud.means)) << "the first round is as ever";
  const double before = refined.model.cloud.filter_3d.mean().item<double>();
  const int64_t few = refined.model.cloud.count();
  for (Refined* one : {&plain, &refined}) one->rounds(1);
  EXPECT_NEAR(refined.model.cloud.filter_3d.mean().item<double>() / before, 0.5, 0.01) << "pixels of half the size";
  EXPECT_GT(refined.model.cloud.count(), few);
  EXPECT_EQ(plain.model.cloud.count(), few) << "without an upscaler there are no such rounds";
  EXPECT_EQ(refined.model.adam.steps, plain.model.adam.steps);
}

}  // namespace
}  // namespace lucid::train
