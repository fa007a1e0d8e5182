// SPDX-License-Identifier: Apache-2.0
// DDIM sampling, and the contact sheet of samples.
#include "lucid/pretrain/sampler.h"

#include "lucid/asset/pictures/image.h"
#include "lucid/base/error.h"
#include "lucid/base/rng.h"
#include "lucid/pretrain/multi_view/cameras.h"
#include "lucid/tensor/randn.h"

namespace lucid::pretrain {

torch::Tensor sample_ddim(SamplingModel& model, const Wanted& wanted, const SampleOptions& options, int64_t row) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor& context = wanted.context;
  const bool grouped = wanted.cameras.defined();
  const int64_t n = context.size(0), channels = model.unet->config().in_channels;
  Rng rng(options.seed, "sample", static_cast<uint64_t>(row));
  torch::Tensor x = tensor::randn(rng, {grouped ? n : 1, channels, model.side, model.side}, context.device());
  if (!grouped) x = x.repeat({n, 1, 1, 1});
  diffusion::UNetExtras extras;
  if (grouped) {
    extras.cameras = torch::cat({wanted.cameras, wanted.cameras});
    extras.views = model.unet->config().views;
  }
  const torch::Tensor both = torch::cat({wanted.empty.expand_as(context), context});
  const std::vector<int64_t> timesteps = model.schedule.timesteps(options.steps);
  for (size_t i = 0; i < timesteps.size(); ++i) {
    const int64_t t = timesteps[i];
    const int64_t next = i + 1 < timesteps.size() ? timesteps[i + 1] : -1;
    const torch::Tensor times = torch::full({2 * n}, t, torch::TensorOptions(torch::kLong).device(x.device()));
    const auto parts = model.unet->forward(torch::cat({x, x}), times, both, extras).chunk(2);
    x = model.schedule.ddim_step(x, parts[0] + options.guidance * (parts[1] - parts[0]), t, next);
  }
  return (model.vae->decode(x) * 0.5 + 0.5).clamp(0, 1).to(torch::kCPU);
}

torch::Tensor sample_sheet(const text_to_image::Prior& prior, const std::vector<std::string>& prompts, int64_t views,
                           const SampleOptions& options) {
  SamplingModel model{.unet = prior.unet,
                      .vae = prior.vae,
                      .schedule = prior.schedule,
                      .side = prior.picture_size / prior.vae->config().downscale()};
  const int64_t together = prior.unet->config().views, groups = views / together;
  LUCID_CHECK(views > 0 && views % together == 0, "{} views in groups of {}", views, together);
  std::vector<text_to_image::Direction> directions;
  for (int64_t i = 0; i < views; ++i) {
    const int64_t place = i % together * groups + i / together;
    directions.push_back({.azimuth = 360.0 * static_cast<double>(place) / static_cast<double>(views), .elevation = 15});
  }
  const bool grouped = prior.unet->config().is_multi_view();
  std::vector<std::vector<torch::Tensor>> rows;
  for (const std::string& prompt : prompts) {
    const auto words = (text_to_image::knows_view_words(prior) ? text_to_image::view_prompts
                                                               : text_to_image::plain_prompts)(prior, prompt, "", "");
    Wanted wanted{.context = text_to_image::view_embeddings(words, directions), .empty = words.negative()};
    if (grouped) wanted.cameras = cameras_at(directions, wanted.context.device());
    rows.push_back(sample_ddim(model, wanted, options, static_cast<int64_t>(rows.size())).unbind());
  }
  return asset::contact_sheet(rows);
}

}  // namespace lucid::pretrain
