// SPDX-License-Identifier: Apache-2.0
// The step, top to bottom. There is no tape through the rasteriser and the VAE's encoder: the pictures are leaves of a
// small autograd graph (flip, disparity, total variation), to which the encoder's own backward adds; the gradients at
// the pictures go into the rasteriser's own backward.
#include "lucid/train/step.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "lucid/base/error.h"
#include "lucid/distill/image_terms.h"
#include "lucid/tensor/randn.h"

namespace lucid::train {
namespace {

using tensor::randn;

/// Reads a clock at the end of each stage.
class StageClock {
 public:
  explicit StageClock(bool waits) : waits_(waits) {}
  void lap(double& seconds) {
    if (waits_) torch::cuda::synchronize();
    const auto now = std::chrono::steady_clock::now();
    seconds = std::chrono::duration<double>(now - last_).count();
    last_ = now;
  }

 private:
  bool waits_;  // for what a GPU was given
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

std::array<float, 3> draw_background(const AugmentOptions& options, Rng& rng) {
  if (!rng.chance(options.bg_aug_ratio)) return {1, 1, 1};
  if (rng.chance(0.5)) return {0, 0, 0};
  return {static_cast<float>(rng.uniform()), static_cast<float>(rng.uniform()), static_cast<float>(rng.uniform())};
}

gaussians::Augmentation draw_augmentation(const AugmentOptions& options, const gaussians::Cloud& cloud, int degree,
                                          Rng& rng) {
  const torch::Device device = cloud.means.device();
  gaussians::Augmentation augmentation{.active_degree = rng.chance(options.sh_deg_aug_ratio) ? 0 : degree};
  if (rng.chance(options.scale_aug_ratio)) {
    augmentation.scale_factor = randn(rng, {cloud.count(), 3}, device).mul_(std::sqrt(0.2) / 4).add_(1);
  }
  if (rng.chance(options.shs_aug_ratio)) {
    const int64_t coefficients = (augmentation.active_degree + 1) * (augmentation.active_degree + 1);
    augmentation.sh_noise = randn(rng, {cloud.count(), coefficients, 3}, device).mul_(std::sqrt(0.2) / 4);
  }
  return augmentation;
}

/// Stacks one field of every view into a leaf [B,C,H,W] that collects a gradient.
torch::Tensor as_leaf(const std::vector<gaussians::RenderedView>& views,
                      torch::Tensor gaussians::RenderedView::*field) {
  std::vector<torch::Tensor> parts;
  parts.reserve(views.size());
  for (const gaussians::RenderedView& view : views) parts.push_back(view.*field);
  return torch::stack(parts).requires_grad_(true);
}

/// What backward left at a leaf [B,C,H,W], laid out as the rasteriser reads it; undefined if nothing reached it.
torch::Tensor gradient_at(const torch::Tensor& leaf) {
  return leaf.grad().defined() ? leaf.grad().contiguous() : leaf.grad();
}

const float* picture_of(const torch::Tensor& batch, int64_t view) {
  return batch.defined() ? batch[view].data_ptr<float>() : nullptr;
}

}  // namespace

StepReport training_step(const Scene& scene, Model& model, gaussians::ViewRenderer& renderer) {
  const TrainOptions& options = scene.options;
  const torch::Device device = model.device();
  const int64_t iteration = ++model.iteration;
  const auto stream = [&](const char* name) { return Rng(options.seed, name, static_cast<uint64_t>(iteration)); };
  StepReport report;
  StageClock clock(scene.waits_by_stage && device.is_cuda());

  // 1. Cameras.
  Rng camera_rng = stream("camera");
  const ViewOptions view_options = options.use_progressive ? widened(options.views, iteration) : options.views;
  const std::vector<Camera> cameras = sample_views(view_options, static_cast<int>(options.batch), camera_rng);
  std::vector<text_to_image::Direction> directions;
  for (const Camera& camera : cameras) directions.push_back({.azimuth = camera.phi, .elevation = 90 - camera.theta});

  // 2. Render each view of the augmented cloud.
  Rng augment_rng = stream("augment");
  const int degree = std::min<int>(options.sh_degree, static_cast<int>(iteration / 500));
  std::vector<gaussians::Augmentation> augmentations;
  std::vector<gaussians::Activated> activated;
  for (size_t i = 0; i < cameras.size(); ++i) {
    const std::array<float, 3> background = draw_background(options.augment, augment_rng);
    augmentations.push_back(draw_augmentation(options.augment, model.cloud, degree, augment_rng));
    activated.push_back(gaussians::activate(model.cloud, augmentations.back()));
    report.views.push_back(renderer.forward(static_cast<int>(i), activated.back(), cameras[i], background));
  }
  clock.lap(report.seconds.render);

  // 3. Pictures to latents: the pictures and the moments are leaves; mirrored or not; colours, or now and then the
  // disparity.
  torch::Tensor rgb = as_leaf(report.views, &gaussians::RenderedView::rgb);      // [B,3,H,W]
  torch::Tensor depth = as_leaf(report.views, &gaussians::RenderedView::depth);  // [B,1,H,W]
  torch::Tensor alpha = as_leaf(report.views, &gaussians::RenderedView::alpha);  // [B,1,H,W]
  Rng choice_rng = stream("choice");
  const bool flip = choice_rng.chance(options.augment.flip_ratio);
  report.as_latent = iteration < options.loss.geo_iter || choice_rng.chance(options.loss.as_latent_ratio);
  const auto seen = [&](const torch::Tensor& x) { return flip ? x.flip({3}) : x; };
  const double fovx = 2 * std::atan(cameras.front().tan_half_fov_x);
  const torch::Tensor disparity = distill::disparity(seen(depth), 1 - seen(alpha), fovx);
  const torch::Tensor colours = options.loss.clamp_rgb ? distill::as_displayed(rgb) : rgb;
  const torch::Tensor picture = report.as_latent ? disparity.expand({-1, 3, -1, -1}) : seen(colours);
  const torch::Tensor moments = scene.encoder.encode(picture.detach()).requires_grad_(true);  // [B,2C,h,w]
  Rng posterior_rng = stream("posterior");
  std::vector<int64_t> latent_shape = moments.sizes().vec();
  latent_shape[1] /= 2;
  const torch::Tensor latents = diffusion::sample_latents(moments, randn(posterior_rng, latent_shape, device),
                                                          scene.prior.vae->config().scaling_factor);  // [B,C,h,w]
  clock.lap(report.seconds.encode);

  // 4. The score: dL/dlatents.
  Rng time_rng = stream("time"), base_rng = stream("noise"), offset_rng = stream("offset noise"),
      eta_rng = stream("eta noise");
  const auto range =
      distill::t_index_range(options.score, iteration, scene.prior.schedule.config().num_train_timesteps);
  distill::NoiseSource noise{.base = [&](at::IntArrayRef shape) { return randn(base_rng, shape, device); },
                             .offset = [&](at::IntArrayRef shape) { return randn(offset_rng, shape, device); },
                             .eta = [&](at::IntArrayRef shape) { return randn(eta_rng, shape, device); }};
  if (scene.denoiser.needs_control_images()) {
    scene.denoiser.set_control_images(
        (scene.shown ? seen(scene.shown(cameras).to(device)) : disparity.detach()).expand({-1, 3, -1, -1}));
  }
  scene.distiller.want_sheet = options.vis_interval > 0 && (iteration == 1 || iteration % options.vis_interval == 0);
  const distill::ScoreOutput score = scene.distiller.score(scene.denoiser, scene.prior.schedule,
                                                           {.latents = latents.detach(),
                                                            .prompts = &scene.prompts,
                                                            .views = directions,
                                                            .iteration = iteration,
                                                            .t_index = time_rng.integer(range.low, range.high)},
                                                           noise);
  report.timestep = score.times.t();
  clock.lap(report.seconds.score);

  // 5. Back through the encoder and the picture terms to the pictures.
  const torch::Tensor d_moments = torch::autograd::grad({latents}, {moments}, {score.d_latents})[0];
  const torch::Tensor d_picture = scene.encoder.backward(d_moments);
  const torch::Tensor variation = distill::total_variation(rgb) + distill::total_variation(disparity);
  torch::Tensor loss = (picture * d_picture).sum() + options.loss.lambda_tv * variation;
  if (options.loss.lambda_alpha > 0) loss = loss + options.loss.lambda_alpha * (alpha * (1 - alpha)).mean();
  loss.backward();
  clock.lap(report.seconds.encode_backward);

  // 6. Back through the rasteriser to the Gaussians, view by view; every view counts for densification.
  const torch::Tensor d_rgb = gradient_at(rgb), d_depth = gradient_at(depth), d_alpha = gradient_at(alpha);
  gaussians::CloudGradient gradient = gaussians::CloudGradient::zeros_like(model.cloud);
  for (size_t i = 0; i < cameras.size(); ++i) {
    const auto view = static_cast<int64_t>(i);
    const gaussians::ActivatedGradient d_cloud = renderer.backward(
        static_cast<int>(i), activated[i],
        {.rgb = picture_of(d_rgb, view), .depth = picture_of(d_depth, view), .alpha = picture_of(d_alpha, view)});
    gaussians::activate_backward(model.cloud, activated[i], augmentations[i], d_cloud, gradient);
    model.stats.add_view(d_cloud.means2d_ndc, report.views[i].radii);
  }
  clock.lap(report.seconds.render_backward);

  // 7. The scale term (mean of all scales, its gradient by hand), Adam, densification.
  const torch::Tensor scales = model.cloud.log_scales.exp();
  constexpr int kLogScales = 4;  // place of log_scales among the parameters
  gradient.raw[kLogScales].add_(scales, options.loss.lambda_scale / static_cast<double>(scales.numel()));
  model.adam.step(model.cloud, gradient, options.rates.at(iteration));
  report.densified = optim::densify_if_due(model.cloud, model.adam, model.stats, options.densify, iteration,
                                           options.seed, &report.densify);
  // Read last, and together: on a GPU reading waits for all that was queued.
  const torch::Tensor read = torch::stack({score.d_latents.norm(), variation.detach(), scales.mean()}).cpu();
  report.score_norm = read[0].item<double>();
  report.tv = read[1].item<double>();
  report.mean_scale = read[2].item<double>();
  clock.lap(report.seconds.update);

  report.latents = latents.detach();
  report.d_latents = score.d_latents;
  report.x0_uncond = score.x0_uncond;
  report.x0_guided = score.x0_guided;
  return report;
}

}  // namespace lucid::train
