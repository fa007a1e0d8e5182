// SPDX-License-Identifier: Apache-2.0
// Guidance of all scores: classifier-free, Perp-Neg, view guidance, adaptive projected guidance.
#include "lucid/distill/guidance.h"

#include <algorithm>
#include <cmath>

#include "lucid/distill/perp_neg.h"
#include "lucid/tensor/device.h"

namespace lucid::distill {
namespace {

constexpr double kOffsetNoise = 0.1;
constexpr double kSheetGuidance = 7.5;  // without Perp-Neg the reference's contact sheet ignores guidance_scale

std::vector<text_to_image::Direction> opposite(std::vector<text_to_image::Direction> views) {
  for (text_to_image::Direction& view : views) view.azimuth += 180;
  return views;
}

bool view_guidance_acts(const ScoreOptions& options, int64_t iteration, int64_t t, int64_t train_timesteps) {
  const double time = static_cast<double>(t) / static_cast<double>(train_timesteps);
  const bool ended = options.view_guidance_until_iter > 0 && iteration > options.view_guidance_until_iter;
  return options.view_guidance > 0 && time >= options.view_guidance_t_low && !ended;
}

// Adaptive projected guidance (Sadat et al. 2025, "Eliminating Oversaturation and Artifacts of High Guidance Scales in
// Diffusion Models"). `added` is what guidance adds to the prompt's prediction. Its component parallel to that
// prediction's x_0, which raises contrast and saturation, is multiplied by eta; the orthogonal component, which changes
// the content, is kept. x_0 is linear in the raw output (eps or v), so raw outputs can be split like their x_0.
// added, x_0 [B,C,h,w] -> [B,C,h,w]; the projection is per view.
torch::Tensor project_guidance(const torch::Tensor& added, const torch::Tensor& x_0, double eta) {
  const std::vector<int64_t> of_view{1, 2, 3};
  constexpr double kNoLength = 1e-12;
  const torch::Tensor share =
      (added * x_0).sum(of_view, /*keepdim=*/true) / x_0.square().sum(of_view, true).clamp_min(kNoLength);
  return added - (1 - eta) * share * x_0;
}

}  // namespace

torch::Tensor predict_each(diffusion::Denoiser& unet, const diffusion::Schedule& schedule, const torch::Tensor& x,
                           int64_t t, const text_to_image::ViewPrompts& prompts,
                           const std::vector<torch::Tensor>& prompt_weights) {
  const auto count = static_cast<int64_t>(prompt_weights.size());
  const bool one_for_all = x.dim() == 4;
  const int64_t views = x.size(one_for_all ? 0 : 1);
  std::vector<torch::Tensor> weights;  // [B,K+2] each
  for (const torch::Tensor& of_prompt : prompt_weights) weights.push_back(of_prompt.expand({views, -1}));
  const int64_t trained = std::min(t, schedule.config().num_train_timesteps - 1);
  const torch::Tensor timesteps =
      torch::full({count * views}, trained, torch::TensorOptions(torch::kLong).device(x.device()));
  const torch::Tensor rows = one_for_all ? x.repeat({count, 1, 1, 1}) : x.flatten(0, 1);
  const torch::Tensor raw = unet.predict(rows, timesteps, prompts.mix(torch::cat(weights)));
  std::vector<int64_t> shape = raw.sizes().vec();
  shape[0] = views;
  shape.insert(shape.begin(), count);
  return raw.to(torch::kFloat).view(shape);  // the caller subtracts predictions; 16 bits would lose the difference
}

torch::Tensor draw_noise(const NoiseSource& noise, const torch::Tensor& like) {
  const torch::Tensor base = noise.base(like.sizes());
  const torch::Tensor offset = noise.offset({1, like.size(1), 1, 1});
  return (base + kOffsetNoise * offset).to(like.device());
}

Guided guide(const ScoreOptions& options, diffusion::Denoiser& unet, const diffusion::Schedule& schedule,
             const ScoreInput& input, const torch::Tensor& x_t, int64_t t) {
  if (input.picture.defined()) return guide_by_picture(options, unet, schedule, input, x_t, t);
  const text_to_image::ViewPrompts& prompts = *input.prompts;
  std::vector<torch::Tensor> prompt_weights{prompts.negative_weights(), prompts.view_weights(input.views)};
  PerpNegPrompts perpneg;
  if (options.perpneg) {
    perpneg = perpneg_prompts(prompts, input.views, options.perpneg_options);
    prompt_weights.insert(prompt_weights.end(), perpneg.extra.begin(), perpneg.extra.end());
  }
  const auto prompted = static_cast<int64_t>(prompt_weights.size());
  const bool has_view_guidance = view_guidance_acts(options, input.iteration, t, schedule.config().num_train_timesteps);
  if (has_view_guidance) prompt_weights.push_back(prompts.view_weights(opposite(input.views)));
  Guided result;
  result.eps = predict_each(unet, schedule, x_t, t, prompts, prompt_weights);
  const torch::Tensor negative = result.eps[0];
  const torch::Tensor deltas = result.eps.slice(0, 1, prompted) - negative;  // [K,B,C,h,w]
  result.delta =
      options.perpneg ? perpneg_aggregate(deltas, tensor::to_device(perpneg.weights, deltas.device())) : deltas[0];
  if (has_view_guidance) result.delta = result.delta + options.view_guidance * (result.eps[1] - result.eps[prompted]);
  if (options.apg_eta == 1) {
    result.guided = negative + options.guidance_scale * result.delta;
  } else {
    const torch::Tensor prompted_alone = negative + result.delta;
    result.guided = prompted_alone + project_guidance((options.guidance_scale - 1) * result.delta,
                                                      schedule.predicted_x0(x_t, prompted_alone, t), options.apg_eta);
  }
  return result;
}

double omega(const diffusion::Schedule& schedule, int64_t t) {
  const double alpha_bar = schedule.alpha_bar(t);
  return std::sqrt((1 - alpha_bar) / alpha_bar);
}

void set_gradient(ScoreOutput& output, const ScoreOptions& options, double weight, const torch::Tensor& difference) {
  output.unreplaced = options.lambda_guidance * weight * difference;
  output.d_latents = torch::nan_to_num(output.unreplaced);
}

void fill_contact_sheet(ScoreOutput& output, const ScoreOptions& options, const diffusion::Schedule& schedule,
                        const Guided& guided, const torch::Tensor& x_s, int64_t s) {
  const torch::Tensor negative = guided.eps[0];
  const torch::Tensor shown = options.perpneg ? guided.guided : negative + kSheetGuidance * guided.delta;
  output.x0_uncond = schedule.predicted_x0(x_s, negative, s);
  output.x0_guided = schedule.predicted_x0(x_s, shown, s);
}

}  // namespace lucid::distill
