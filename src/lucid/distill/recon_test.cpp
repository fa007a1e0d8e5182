// SPDX-License-Identifier: Apache-2.0
// MVDream's score: the deviations that it compares, group by group.
#include <gtest/gtest.h>

#include <cmath>

#include "lucid/distill/distiller.h"
#include "lucid/tensor/relative_error.h"

namespace lucid::distill {
namespace {

using torch::Tensor;

/// Gives recorded noise for the negative prompt, then for the prompt; pairs of rows are one object.
class TwoPredictions final : public diffusion::Denoiser {
 public:
  Tensor negative = torch::randn({4, 4, 6, 6}), prompt = torch::randn({4, 4, 6, 6});
  Tensor predict(const Tensor&, const Tensor&, const nn::PromptMix&) override { return torch::cat({negative, prompt}); }
  int64_t joint_views() const override { return 2; }
};

TEST(Recon, RescalesThePredictionOfEachObject) {
  torch::manual_seed(2);
  const diffusion::Schedule schedule({.num_train_timesteps = 1000,
                                      .steps_offset = 1,
                                      .beta_start = 0.00085,
                                      .beta_end = 0.012,
                                      .beta_schedule = "scaled_linear",
                                      .set_alpha_to_one = false});
  TwoPredictions unet;
  const Tensor latents = torch::randn({4, 4, 6, 6}), base = torch::randn({4, 4, 6, 6});
  const text_to_image::ViewPrompts prompts(text_to_image::ViewAnchors({text_to_image::ViewAnchor{}}),
                                           torch::zeros({1, 2, 3}), torch::zeros({1, 2, 3}), torch::zeros({1, 2, 3}));
  const int64_t t = 601;
  const double a = schedule.alpha_bar(t);
  const Tensor x_t = std::sqrt(a) * latents + std::sqrt(1 - a) * base;
  const auto x_0 = [&](const Tensor& eps) { return (x_t - std::sqrt(1 - a) * eps) / std::sqrt(a); };
  const Tensor guided = x_0(unet.negative + 20 * (unet.prompt - unet.negative)), plain = x_0(unet.prompt);
  for (const double share : {0.0, 0.3, 1.0}) {
    SCOPED_TRACE(share);
    ScoreOptions options;
    options.score = "recon";
    options.recon_rescale = share;
    options.guidance_scale = 20;
    options.lambda_guidance = 1;
    options.perpneg = false;
    NoiseSource noise{.base = [&](at::IntArrayRef) { return base; },
                      .offset = [](at::IntArrayRef shape) { return torch::zeros(shape); },
                      .eta = nullptr};
    const Tensor found = make_distiller(options)
                             ->score(unet, schedule,
                                     {.latents = latents,
                                      .prompts = &prompts,
                                      .views = std::vector<text_to_image::Direction>(4),
                                      .t_index = t - 1},
                                     noise)
                             .d_latents;
    for (int64_t object = 0; object < 2; ++object) {
      const auto of_object = [&](const Tensor& x) { return x.slice(0, 2 * object, 2 * object + 2); };
      const double factor = of_object(plain).std().item<double>() / of_object(guided).std().item<double>();
      const Tensor expected = of_object(latents) - (share * factor + 1 - share) * of_object(guided);
      EXPECT_LT(tensor::relative_error(of_object(found), expected), 1e-5);
    }
    if (share > 0) continue;
    options.score = "sds";
    const Tensor sds = make_distiller(options)
                           ->score(unet, schedule,
                                   {.latents = latents,
                                    .prompts = &prompts,
                                    .views = std::vector<text_to_image::Direction>(4),
                                    .t_index = t - 1},
                                   noise)
                           .d_latents;
    EXPECT_LT(tensor::relative_error(found, sds), 1e-4) << "without rescaling it is SDS";
  }
}

}  // namespace
}  // namespace lucid::distill
