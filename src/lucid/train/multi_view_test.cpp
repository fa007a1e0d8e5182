// SPDX-License-Identifier: Apache-2.0
// Steps of a multi-view prior: the cameras that its network is told, groups of views of one object, two priors in turn.
#include <gtest/gtest.h>

#include <atomic>
#include <map>

#include "goldens.h"
#include "lucid/gaussians/starts.h"
#include "lucid/text_to_image/prior.h"
#include "lucid/train/trainer.h"

namespace lucid::train {
namespace {

/// Keeps the cameras and the batch, and gives a gradient of zero.
class SeenViews final : public distill::Distiller {
 public:
  distill::ScoreOutput score(diffusion::Denoiser&, const diffusion::Schedule&, const distill::ScoreInput& input,
                             distill::NoiseSource&) const override {
    latents = input.latents;
    distill::ScoreOutput output;
    output.d_latents = torch::zeros_like(input.latents);
    output.times.visited = {input.t_index};
    return output;
  }
  mutable torch::Tensor latents;
};

class SeenCameras final : public diffusion::Denoiser {
 public:
  torch::Tensor predict(const torch::Tensor& x, const torch::Tensor&, const nn::PromptMix&) override {
    return torch::zeros_like(x);
  }
  int64_t joint_views() const override { return 4; }
  void set_cameras(const torch::Tensor& given) override { cameras = given; }
  torch::Tensor cameras;
};

TEST(MultiViewStep, TellsTheCamerasOfViewsBeforeOneBackground) {
  text_to_image::Prior prior = text_to_image::load_prior(lucid::test::source_dir() / "models/mini");
  TrainOptions options;
  options.batch = 8;
  options.views.width = options.views.height = 32;
  options.views.joint_views = 4;
  options.augment.flip_ratio = 0;
  options.augment.bg_aug_ratio = 1;
  options.vis_interval = 0;
  SeenViews distiller;
  SeenCameras denoiser;
  diffusion::ImageEncoder encoder(prior.vae);
  const text_to_image::ViewPrompts prompts = text_to_image::view_prompts(prior, "a hamburger", "", "");
  const Scene scene{.options = options,
                    .prior = prior,
                    .encoder = encoder,
                    .denoiser = denoiser,
                    .prompts = prompts,
                    .distiller = distiller,
                    .device = torch::kCPU};
  gaussians::ViewRenderer renderer(torch::kCPU);
  bool two_grounds = false;
  for (uint64_t seed = 1; seed < 6; ++seed) {
    options.seed = seed;
    Model model = start_model(gaussians::make_start({.count = 50, .radius = 0.1}));
    const StepReport report = training_step(scene, model, renderer);
    ASSERT_EQ(denoiser.cameras.sizes(), (std::vector<int64_t>{8, 16}));
    const torch::Tensor position = denoiser.cameras.view({8, 4, 4}).slice(1, 0, 3).select(2, 3);  // [8,3], length 1
    EXPECT_TRUE(torch::allclose(position.norm(2, 1), torch::ones({8}), 1e-5, 1e-6));
    for (int64_t group = 0; group < 2; ++group) {
      for (int64_t view = 0; view < 4; ++view) {
        const torch::Tensor here = position[4 * group + view], next = position[4 * group + (view + 1) % 4];
        EXPECT_NEAR(here[2].item<double>(), next[2].item<double>(), 1e-5) << "one elevation";
        const torch::Tensor turned = torch::stack({here[1], -here[0]});  // a quarter to the right seen from above
        EXPECT_TRUE(torch::allclose(turned, next.slice(0, 0, 2), 1e-4, 1e-5)) << here << next;
        const auto corner = [&](int64_t row) {
          return report.views[static_cast<size_t>(row)].rgb.select(2, 0).select(1, 0);
        };
        EXPECT_TRUE(torch::equal(corner(4 * group), corner(4 * group + view))) << "one background";
        two_grounds |= !torch::equal(corner(0), corner(4));
      }
    }
  }
  EXPECT_TRUE(two_grounds) << "each group draws its own";
}

/// A run of six steps whose first two are another scene's. `stop_after` >= 0: stops after so many steps.
TrainResult run_two_scenes(const std::filesystem::path& root, Begin begin, int64_t stop_after) {
  text_to_image::Prior prior = text_to_image::load_prior(lucid::test::source_dir() / "models/mini");
  TrainOptions options;
  options.iterations = 6;
  options.views.width = options.views.height = 32;
  options.vis_interval = 0;
  options.save_process = options.save_video = false;
  TrainOptions first_options = options;
  first_options.batch = first_options.views.joint_views = 4;
  first_options.augment.flip_ratio = 0;
  SeenViews distiller;
  SeenCameras joint;
  diffusion::UNetDenoiser denoiser(prior.unet);
  diffusion::ImageEncoder encoder(prior.vae);
  const text_to_image::ViewPrompts prompts = text_to_image::view_prompts(prior, "a hamburger", "", "");
  const Scene first{.options = first_options,
                    .prior = prior,
                    .encoder = encoder,
                    .denoiser = joint,
                    .prompts = prompts,
                    .distiller = distiller,
                    .device = torch::kCPU};
  Scene scene{.options = options,
              .prior = prior,
              .encoder = encoder,
              .denoiser = denoiser,
              .prompts = prompts,
              .distiller = distiller,
              .device = torch::kCPU};
  scene.first = &first;
  scene.first_steps = 2;
  std::filesystem::create_directories(root);
  std::atomic<bool> stop = stop_after == 0;
  TrainCallbacks callbacks;
  callbacks.stop = &stop;
  callbacks.start = [] { return gaussians::make_start({.count = 100}); };
  callbacks.on_step = [&](const StepReport& report, const Model& model) {
    EXPECT_EQ(report.views.size(), model.iteration <= 2 ? 4U : 1U);
    stop = model.iteration == stop_after;
  };
  bool released = false;
  callbacks.on_first_prior_done = [&] { released = true; };
  TrainResult result = train(scene, {root}, "key", begin, callbacks);
  EXPECT_EQ(released, result.model.iteration > 2) << "after all of its steps, and no sooner";
  return result;
}

TEST(TwoPriors, AStopAtAnyStepChangesNothing) {
  const lucid::test::TemporaryFolder folder;
  const Model whole = run_two_scenes(folder.path / "whole", Begin::kAnew, -1).model;
  EXPECT_EQ(whole.iteration, 6);
  for (const int64_t step : {1, 2, 3}) {
    SCOPED_TRACE(step);
    const auto root = folder.path / std::to_string(step);
    EXPECT_TRUE(run_two_scenes(root, Begin::kAnew, step).stopped);
    Model broken = run_two_scenes(root, Begin::kFromCheckpoint, -1).model;
    Model expected = whole;
    std::map<std::string, torch::Tensor> tensors;
    for_each_tensor(expected, [&](const std::string& name, torch::Tensor& tensor) { tensors[name] = tensor; });
    for_each_tensor(broken, [&](const std::string& name, torch::Tensor& tensor) {
      EXPECT_TRUE(torch::equal(tensor, tensors.at(name))) << name;
    });
  }
}

}  // namespace
}  // namespace lucid::train
