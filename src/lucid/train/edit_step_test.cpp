// SPDX-License-Identifier: Apache-2.0
// Steps of an edit: nothing moves where nothing is asked for; what is held stays; what is free moves as it would alone.
#include <gtest/gtest.h>

#include "goldens.h"
#include "lucid/gaussians/starts.h"
#include "lucid/tensor/relative_error.h"
#include "lucid/text_to_image/prior.h"
#include "lucid/train/step.h"

namespace lucid::train {
namespace {

using gaussians::Cloud;
using tensor::relative_error;

/// No loss but the score and the total variation of the change.
TrainOptions of_an_edit(const std::string& score) {
  TrainOptions options;
  options.batch = 2;
  options.views.width = options.views.height = 128;
  options.views.radius = {3.2, 3.2};
  options.views.fovy = {0.68, 0.68};
  options.views.jitter_pose = true;
  options.augment = {.bg_aug_ratio = 1, .scale_aug_ratio = 0, .sh_deg_aug_ratio = 0.5, .flip_ratio = 0.5};
  options.loss.lambda_scale = 0;  // lambda_tv is that of the change
  options.loss.as_latent_ratio = 0.3;
  options.score.score = score;
  options.score.perpneg = false;
  options.score.keep = 0.1;
  options.densify.densification_interval = 2;
  options.densify.densify_from_iter = 0;
  options.densify.densify_grad_threshold = 1e-9;
  return options;
}

Cloud coloured_ball() {
  Cloud cloud = gaussians::make_start({.count = 1200, .opacity = 0.5});
  torch::manual_seed(3);
  cloud.sh_dc = torch::randn_like(cloud.sh_dc);
  return cloud;
}

Cloud rows_of(const Cloud& cloud, int64_t from, int64_t to) {
  Cloud part = cloud;
  for (torch::Tensor* parameter : part.parameters()) *parameter = parameter->slice(0, from, to).clone();
  return part;
}

struct Edited {
  explicit Edited(TrainOptions of) : options(std::move(of)) { text_to_image::ViewPrompts::share_table(to, from); }

  StepReport step(Model& model, const EditScene& edit) {
    const auto distiller = distill::make_distiller(options.score);
    const Scene scene{.options = options,
                      .prior = prior,
                      .encoder = encoder,
                      .denoiser = denoiser,
                      .prompts = to,
                      .distiller = *distiller,
                      .edit = &edit};
    gaussians::ViewRenderer renderer(torch::kCPU);
    return training_step(scene, model, renderer);
  }

  TrainOptions options;
  text_to_image::Prior prior = text_to_image::load_prior(test::source_dir() / "models/mini");
  diffusion::UNetDenoiser denoiser{prior.unet};
  diffusion::ImageEncoder encoder{prior.vae};
  text_to_image::ViewPrompts to = text_to_image::view_prompts(prior, "a blue car", "", "");
  text_to_image::ViewPrompts from = text_to_image::view_prompts(prior, "a red car", "", "");
};

TEST(EditStep, IsExactlyNothingWherePromptsAndAssetAreTheSame) {
  for (const char* score : {"dds", "pds", "delta-ism"}) {
    SCOPED_TRACE(score);
    Edited edited(of_an_edit(score));
    edited.options.densify.densification_interval = 0;
    const Cloud ball = coloured_ball();
    Model model = start_model(rows_of(ball, 0, ball.count()));
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(edited.step(model, {.source = ball, .prompts = &edited.to}).score_norm, 0);
    }
    for (size_t g = 0; g < Cloud::kGroups; ++g)
      EXPECT_TRUE(model.cloud.parameters()[g]->equal(*ball.parameters()[g])) << Cloud::kNames[g];
    EXPECT_GT(edited.step(model, {.source = ball, .prompts = &edited.from}).score_norm, 0.01);
    EXPECT_FALSE(model.cloud.means.equal(ball.means));
  }
}

TEST(EditStep, HeldGaussiansAreSeenAndTheOthersGetTheGradientThatTheyWouldGet) {
  Edited edited(of_an_edit("dds"));
  edited.options.densify.densification_interval = 0;
  const Cloud ball = coloured_ball();
  const int64_t count = ball.count(), free = count / 3;
  Model whole = start_model(rows_of(ball, 0, count)), part = start_model(rows_of(ball, 0, free));
  const StepReport of_whole = edited.step(whole, {.source = ball, .prompts = &edited.from});
  const StepReport of_part =
      edited.step(part, {.source = ball, .prompts = &edited.from, .held = rows_of(ball, free, count)});
  EXPECT_LT(relative_error(of_part.views[0].rgb, of_whole.views[0].rgb), 1e-6);
  EXPECT_EQ(part.cloud.count(), free);
  for (size_t g = 0; g < Cloud::kGroups; ++g) {
    const torch::Tensor expected = whole.adam.m[g].slice(0, 0, free);
    if (expected.numel() == 0) continue;
    EXPECT_LT(relative_error(part.adam.m[g], expected), 1e-3) << Cloud::kNames[g];
  }
  EXPECT_LT(relative_error(part.stats.gradient_sum, whole.stats.gradient_sum.slice(0, 0, free)), 1e-3);
}

TEST(EditStep, DensifiesOnlyWhatIsFreeAndKeepsItInPlace) {
  Edited edited(of_an_edit("dds"));
  edited.options.rates.position_lr_init = 0.5;  // far
  const Cloud ball = coloured_ball();
  const int64_t count = ball.count(), free = count / 3;
  Model model = start_model(rows_of(ball, 0, free));
  const EditScene edit{
      .source = ball, .prompts = &edited.from, .held = rows_of(ball, free, count), .confine = [](Cloud& cloud) {
        cloud.means.clamp_(-0.2, 0.2);
      }};
  bool densified = false;
  for (int i = 0; i < 2; ++i) densified |= edited.step(model, edit).densified;
  EXPECT_TRUE(densified);
  EXPECT_GT(model.cloud.count(), free);
  EXPECT_LE(model.cloud.means.abs().max().item<float>(), 0.2F);
  const auto distiller = distill::make_distiller(edited.options.score);
  const Scene scene{.options = edited.options,
                    .prior = edited.prior,
                    .encoder = edited.encoder,
                    .denoiser = edited.denoiser,
                    .prompts = edited.to,
                    .distiller = *distiller,
                    .edit = &edit};
  const Cloud shown = shown_cloud(scene, model.cloud);
  EXPECT_EQ(shown.count(), model.cloud.count() + count - free);
  EXPECT_TRUE(shown.means.slice(0, model.cloud.count()).equal(ball.means.slice(0, free)));
}

}  // namespace
}  // namespace lucid::train
