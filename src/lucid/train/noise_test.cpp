// SPDX-License-Identifier: Apache-2.0
// What the score is given in successive steps: fixed and fresh noise, the seed of the noise, azimuths from the front.
#include <gtest/gtest.h>

#include "goldens.h"
#include "lucid/gaussians/starts.h"
#include "lucid/text_to_image/prior.h"
#include "lucid/train/step.h"

namespace lucid::train {
namespace {

/// Keeps what it is given, and gives a gradient of zero.
class Recorder final : public distill::Distiller {
 public:
  distill::ScoreOutput score(diffusion::Denoiser&, const diffusion::Schedule&, const distill::ScoreInput& input,
                             distill::NoiseSource& noise) const override {
    const std::vector<int64_t> one = {1, input.latents.size(1), 1, 1};
    noises.push_back(noise.base(input.latents.sizes()) + noise.offset(one));
    times.push_back(input.t_index);
    azimuths.push_back(input.views.front().azimuth);
    distill::ScoreOutput output;
    output.d_latents = torch::zeros_like(input.latents);
    output.times.visited = {input.t_index};
    return output;
  }
  mutable std::vector<torch::Tensor> noises;
  mutable std::vector<int64_t> times;
  mutable std::vector<double> azimuths;
};

/// Two steps.
Recorder record(TrainOptions options) {
  static text_to_image::Prior prior = text_to_image::load_prior(test::source_dir() / "models/mini");
  options.views.width = options.views.height = 64;
  options.views.phi = {170, 170};
  options.views.jitter_pose = false;
  options.vis_interval = 0;
  diffusion::UNetDenoiser denoiser(prior.unet);
  diffusion::ImageEncoder encoder(prior.vae);
  const text_to_image::ViewPrompts prompts = text_to_image::view_prompts(prior, "a hamburger", "", "");
  Recorder recorder;
  const Scene scene{.options = options,
                    .prior = prior,
                    .encoder = encoder,
                    .denoiser = denoiser,
                    .prompts = prompts,
                    .distiller = recorder,
                    .device = torch::kCPU};
  Model model = start_model(gaussians::make_start({.count = 300}));
  gaussians::ViewRenderer renderer(torch::kCPU);
  for (int step = 0; step < 2; ++step) training_step(scene, model, renderer);
  return recorder;
}

TEST(NoiseOfSteps, IsFixedOnRequestAndWithoutPerpNeg) {
  TrainOptions options;
  options.score.perpneg = false;
  Recorder fresh = record(options);
  EXPECT_FALSE(fresh.noises[0].equal(fresh.noises[1]));
  options.score.fix_noise = true;
  Recorder fixed = record(options);
  EXPECT_TRUE(fixed.noises[0].equal(fixed.noises[1]));
  EXPECT_EQ(fixed.times, fresh.times) << "timesteps stay random";
  EXPECT_NE(fixed.times[0], fixed.times[1]);
  options.score.perpneg = true;
  Recorder perpneg = record(options);
  EXPECT_FALSE(perpneg.noises[0].equal(perpneg.noises[1])) << "as in the reference";
}

TEST(NoiseOfSteps, HasASeedOfItsOwn) {
  TrainOptions options;
  options.seed = 5;
  const Recorder usual = record(options);
  options.score.noise_seed = 5;
  const Recorder same = record(options);
  EXPECT_TRUE(same.noises[0].equal(usual.noises[0]));
  EXPECT_EQ(same.times, usual.times);
  options.score.noise_seed = 0;
  const Recorder other = record(options);
  EXPECT_FALSE(other.noises[0].equal(usual.noises[0]));
  EXPECT_NE(other.times, usual.times);
}

TEST(AzimuthsOfSteps, CountFromTheFront) {
  TrainOptions options;
  EXPECT_NEAR(record(options).azimuths[0], 170, 1e-9);
  options.views.default_azimuth = 90;
  EXPECT_NEAR(record(options).azimuths[0], 80, 1e-9);
  options.views.default_azimuth = -90;
  EXPECT_NEAR(record(options).azimuths[0], -100, 1e-9);
}

}  // namespace
}  // namespace lucid::train
