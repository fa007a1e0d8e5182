// SPDX-License-Identifier: Apache-2.0
// Steps that see one part from close by: their cameras, their prompts, and control images of the same cameras.
#include <gtest/gtest.h>

#include <cmath>

#include "goldens.h"
#include "lucid/camera/sampler.h"
#include "lucid/gaussians/starts.h"
#include "lucid/text_to_image/prior.h"
#include "lucid/train/step.h"

namespace lucid::train {
namespace {

/// A point of the world in a camera's axes.
std::array<double, 3> seen_by(const Camera& camera, const std::array<double, 3>& p) {
  std::array<double, 3> at{};
  for (size_t row = 0; row < 3; ++row) {
    at[row] = camera.camera_from_world[4 * row + 3];
    for (size_t k = 0; k < 3; ++k) at[row] += camera.camera_from_world[4 * row + k] * p[k];
  }
  return at;
}

TEST(CloseUps, LookAtTheirTargetFromTheSameAngles) {
  const CloseUp close_up{.target = {0.1, -0.2, 0.7}, .front = 0.25, .back = 0.5};
  for (const auto& [phi, factor] : {std::pair{30.0, 0.25}, {150.0, 0.5}, {-60.0, 0.25}}) {
    const Camera usual = orbit_camera(75, phi, 4, 0.6, 64, 64), close = moved_close(usual, close_up);
    const auto target = seen_by(close, close_up.target);
    EXPECT_NEAR(target[0], 0, 1e-12);
    EXPECT_NEAR(target[1], 0, 1e-12);
    EXPECT_NEAR(target[2], 4 * factor, 1e-12);
    EXPECT_NEAR(close.radius, 4 * factor, 1e-12);
    // What lies around the origin there lies around the target here, smaller.
    const std::array<double, 3> p = {0.3, 0.2, -0.4};
    std::array<double, 3> moved{};
    for (size_t k = 0; k < 3; ++k) moved[k] = close_up.target[k] + factor * p[k];
    const auto before = seen_by(usual, p), after = seen_by(close, moved);
    for (size_t k = 0; k < 3; ++k) EXPECT_NEAR(after[k], factor * before[k], 1e-12);
    EXPECT_EQ(close.phi, usual.phi);
  }
}

/// Notes which prompts a score is asked for.
class NotingScore final : public distill::Distiller {
 public:
  distill::ScoreOutput score(diffusion::Denoiser&, const diffusion::Schedule&, const distill::ScoreInput& input,
                             distill::NoiseSource&) const override {
    prompts = input.prompts;
    distill::ScoreOutput output;
    output.d_latents = torch::zeros_like(input.latents);
    output.times.visited = {input.t_index};
    return output;
  }
  mutable const text_to_image::ViewPrompts* prompts = nullptr;
};

class NotingDenoiser final : public diffusion::Denoiser {
 public:
  torch::Tensor predict(const torch::Tensor& x, const torch::Tensor&, const nn::PromptMix&) override { return x; }
  bool needs_control_images() const override { return true; }
  void set_control_images(const torch::Tensor& images) override { shown = images.clone(); }
  torch::Tensor shown;
};

TEST(CloseUps, HaveTheirPromptsAndEveryViewItsControlImage) {
  TrainOptions options;
  options.batch = 2;
  options.views.width = options.views.height = 64;
  options.augment.flip_ratio = 0;
  text_to_image::Prior prior = text_to_image::load_prior(test::source_dir() / "tests/goldens/sd/tiny-sd2-base");
  diffusion::ImageEncoder encoder(prior.vae);
  const text_to_image::ViewPrompts whole{text_to_image::ViewAnchors::reference(), torch::zeros({4, 1, 1}),
                                         torch::zeros({1, 1, 1}), torch::zeros({1, 1, 1})};
  const text_to_image::ViewPrompts head = whole;
  NotingScore score;
  NotingDenoiser denoiser;
  std::vector<Camera> asked;
  CloseUp close_up{.rate = 1, .from_iter = 2, .target = {0, 0, 0.7}, .prompts = &head};
  const Scene scene{.options = options,
                    .prior = prior,
                    .encoder = encoder,
                    .denoiser = denoiser,
                    .prompts = whole,
                    .distiller = score,
                    .control_images =
                        [&asked](const std::vector<Camera>& cameras) {
                          asked = cameras;
                          const torch::Tensor images = torch::zeros({2, 3, 64, 64});
                          images[0][0].fill_(1);  // red, then blue
                          images[1][2].fill_(1);
                          return images;
                        },
                    .close_up = &close_up};
  Model model = start_model(gaussians::make_start({.count = 300, .opacity = 0.5}));
  gaussians::ViewRenderer renderer(torch::kCPU);

  training_step(scene, model, renderer);
  EXPECT_EQ(score.prompts, &whole) << "before from_iter";
  const double usual = asked.at(0).radius;
  ASSERT_EQ(denoiser.shown.sizes(), (std::vector<int64_t>{2, 3, 64, 64}));
  EXPECT_EQ(denoiser.shown[0][0].min().item<float>(), 1) << "colours stay, view by view";
  EXPECT_EQ(denoiser.shown[0][2].max().item<float>(), 0);
  EXPECT_EQ(denoiser.shown[1][2].min().item<float>(), 1);

  training_step(scene, model, renderer);
  EXPECT_EQ(score.prompts, &head);
  EXPECT_LT(asked.at(0).radius, 0.5 * usual) << "the control image is of the same camera";
  const auto target = seen_by(asked.at(1), close_up.target);
  EXPECT_LT(std::hypot(target[0], target[1]), 0.1 * target[2]);

  close_up.rate = 0;
  training_step(scene, model, renderer);
  EXPECT_EQ(score.prompts, &whole);
}

}  // namespace
}  // namespace lucid::train
