// SPDX-License-Identifier: Apache-2.0
// DDIM sampling, and the contact sheet of samples.
#include "lucid/pretrain/sampler.h"

#include "lucid/asset/pictures/image.h"
#include "lucid/base/rng.h"
#include "lucid/tensor/randn.h"

namespace lucid::pretrain {

torch::Tensor sample_ddim(SamplingModel& model, const torch::Tensor& context, const torch::Tensor& empty,
                          const SampleOptions& options, int64_t row) {
  const torch::NoGradGuard no_grad;
  const int64_t n = context.size(0), channels = model.unet->config().in_channels;
  Rng rng(options.seed, "sample", static_cast<uint64_t>(row));
  torch::Tensor x = tensor::randn(rng, {1, channels, model.side, model.side}, context.device()).repeat({n, 1, 1, 1});
  const torch::Tensor both = torch::cat({empty.expand_as(context), context});
  const std::vector<int64_t> timesteps = model.schedule.timesteps(options.steps);
  for (size_t i = 0; i < timesteps.size(); ++i) {
    const int64_t t = timesteps[i];
    const int64_t next = i + 1 < timesteps.size() ? timesteps[i + 1] : -1;
    const torch::Tensor times = torch::full({2 * n}, t, torch::TensorOptions(torch::kLong).device(x.device()));
    const auto parts = model.unet->forward(torch::cat({x, x}), times, both).chunk(2);
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
  std::vector<text_to_image::Direction> directions;
  for (int64_t i = 0; i < views; ++i) {
    directions.push_back({.azimuth = 360.0 * static_cast<double>(i) / static_cast<double>(views), .elevation = 15});
  }
  std::vector<std::vector<torch::Tensor>> rows;
  for (size_t row = 0; row < prompts.size(); ++row) {
    const text_to_image::ViewPrompts words = text_to_image::view_prompts(prior, prompts[row], "", "");
    const torch::Tensor pictures = sample_ddim(model, text_to_image::view_embeddings(words, directions),
                                               words.negative(), options, static_cast<int64_t>(row));
    std::vector<torch::Tensor>& cells = rows.emplace_back();
    for (int64_t i = 0; i < views; ++i) cells.push_back(pictures[i]);
  }
  return asset::contact_sheet(rows);
}

}  // namespace lucid::pretrain
