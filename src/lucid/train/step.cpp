// SPDX-License-Identifier: Apache-2.0
// The training step: seven functions, one for each row of docs/dev/path.md, in its order, and training_step() which
// calls them. No autograd tape runs through the rasteriser and the VAE encoder: the images are leaves of a small graph
// (flip, disparity, total variation), and the chain rule is written out in functions 5 and 6.
#include "lucid/train/step.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "lucid/base/error.h"
#include "lucid/camera/multi_view.h"
#include "lucid/distill/image_terms.h"
#include "lucid/tensor/randn.h"
#include "lucid/train/numbers.h"
#include "lucid/train/smoothing.h"

namespace lucid::train {
namespace {

using tensor::randn;

/// Measures the seconds of each stage.
class StageClock {
 public:
  /// `waits`: the GPU's queued work counts in the stage that queued it.
  explicit StageClock(bool waits) : waits_(waits) {}
  void lap(double& seconds) {
    if (waits_) torch::cuda::synchronize();
    const auto now = std::chrono::steady_clock::now();
    seconds = std::chrono::duration<double>(now - last_).count();
    last_ = now;
  }

 private:
  bool waits_;  // for the GPU
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

/// The gradient of a leaf [B,C,H,W], contiguous; undefined if the loss does not depend on it.
torch::Tensor gradient_of(const torch::Tensor& leaf) {
  return leaf.grad().defined() ? leaf.grad().contiguous() : leaf.grad();
}

const float* image_data(const torch::Tensor& batch, int64_t view) {
  return batch.defined() ? batch[view].data_ptr<float>() : nullptr;
}

/// What all seven functions read.
struct Step {
  const Scene& scene;
  Model& model;
  gaussians::ViewRenderer& renderer;
  int64_t iteration;

  const TrainOptions& options() const { return scene.options; }
  torch::Device device() const { return model.device(); }
  /// The random stream of one purpose in this step.
  Rng stream(const char* name) const {
    return Rng(seed_after_setbacks(options().seed, model), name, static_cast<uint64_t>(iteration));
  }
  /// The close-up that this step is; null if it sees the whole object.
  const CloseUp* close_up() const {
    const CloseUp* each = scene.close_up;
    return each != nullptr && iteration >= each->from_iter && stream("close-up").chance(each->rate) ? each : nullptr;
  }
};

/// 1. The cameras of the batch.
std::vector<Camera> sample_cameras(const Step& step) {
  const TrainOptions& options = step.options();
  Rng rng = step.stream("camera");
  const ViewOptions views = options.use_progressive ? widened(options.views, step.iteration) : options.views;
  std::vector<Camera> cameras = sample_views(views, static_cast<int>(options.batch), rng);
  if (const CloseUp* close_up = step.close_up()) {
    for (Camera& camera : cameras) camera = moved_close(camera, *close_up);
  }
  return cameras;
}

/// Each view's augmentation and activated cloud, kept for the backward pass, and its images.
struct Renders {
  std::vector<gaussians::Augmentation> augmentations;
  std::vector<gaussians::Activated> activated;  // of the model's Gaussians
  std::vector<gaussians::Activated> shown;      // the same, followed by those that an edit holds
  std::vector<gaussians::RenderedView> views;
  std::vector<gaussians::RenderedView> source;  // the same views of an edit's source
};

gaussians::Activated joined(const gaussians::Activated& a, const gaussians::Activated& b) {
  gaussians::Activated both = a;
  both.means = torch::cat({a.means, b.means});
  both.scales = torch::cat({a.scales, b.scales});
  both.quats = torch::cat({a.quats, b.quats});
  both.opacities = torch::cat({a.opacities, b.opacities});
  both.sh = torch::cat({a.sh, b.sh});
  return both;
}

/// 2. Renders each view of the augmented cloud over its background.
Renders render_views(const Step& step, const std::vector<Camera>& cameras) {
  const AugmentOptions& augment = step.options().augment;
  constexpr int64_t kStepsPerDegree = 500;  // the SH degree grows by one every so many steps
  const EditScene* edit = step.scene.edit;  // an asset that exists is seen in all its degrees
  const int degree = edit != nullptr
                         ? step.options().sh_degree
                         : std::min<int>(step.options().sh_degree, static_cast<int>(step.iteration / kStepsPerDegree));
  Rng rng = step.stream("augment");
  Renders renders;
  const auto together = static_cast<size_t>(step.options().views.joint_views);
  std::array<float, 3> background{};
  for (size_t i = 0; i < cameras.size(); ++i) {
    const bool same_object = i % together != 0;  // joint views show one object before one background
    if (!same_object) background = draw_background(augment, rng);
    renders.augmentations.push_back(same_object ? renders.augmentations.back()
                                                : draw_augmentation(augment, step.model.cloud, degree, rng));
    renders.activated.push_back(gaussians::activate(step.model.cloud, renders.augmentations.back()));
    const auto frame = static_cast<int>(i);
    const gaussians::Augmentation plain{.active_degree = renders.augmentations.back().active_degree};
    if (edit != nullptr)
      renders.source.push_back(
          step.renderer.forward(frame, gaussians::activate(edit->source, plain), cameras[i], background));
    const bool holds = edit != nullptr && edit->held;
    renders.shown.push_back(holds ? joined(renders.activated.back(), gaussians::activate(*edit->held, plain))
                                  : renders.activated.back());
    renders.views.push_back(step.renderer.forward(frame, renders.shown.back(), cameras[i], background));
  }
  return renders;
}

/// The small autograd graph from the images to the VAE's input, and the latents.
struct Latents {
  torch::Tensor rgb, depth, alpha;  // leaves [B,3,H,W], [B,1,H,W], [B,1,H,W]
  torch::Tensor disparity;          // [B,1,H,W], mirrored if the batch is
  torch::Tensor input;              // [B,3,H,W] to encode: colours, or the disparity; mirrored if the batch is
  torch::Tensor moments;            // leaf [B,2C,h,w]: the posterior's mean and log-variance
  torch::Tensor latents;            // [B,C,h,w], a sample of the posterior
  // Of an edit's source, with the same sample's noise; no gradients. Undefined without an edit.
  torch::Tensor source, source_rgb, source_disparity;
  torch::Tensor picture;  // [B,C,h,w], the mean of the source's posterior
  bool flip = false, as_latent = false;

  torch::Tensor mirrored(const torch::Tensor& x) const { return flip ? x.flip({3}) : x; }
};

/// Encodes the colours of views, or now and then their disparity. Called twice in a step it draws the same.
Latents encode_branch(const Step& step, const std::vector<gaussians::RenderedView>& views, double fovx) {
  const LossOptions& loss = step.options().loss;
  Latents l;
  l.rgb = as_leaf(views, &gaussians::RenderedView::rgb);
  l.depth = as_leaf(views, &gaussians::RenderedView::depth);
  l.alpha = as_leaf(views, &gaussians::RenderedView::alpha);
  Rng choice = step.stream("choice");
  l.flip = choice.chance(step.options().augment.flip_ratio);
  l.as_latent = step.iteration < loss.geo_iter || choice.chance(loss.as_latent_ratio);

  l.disparity = distill::disparity(l.mirrored(l.depth), 1 - l.mirrored(l.alpha), fovx);
  const torch::Tensor colours = loss.clamp_rgb ? distill::as_displayed(l.rgb) : l.rgb;
  l.input = l.as_latent ? l.disparity.expand({-1, 3, -1, -1}) : l.mirrored(colours);
  l.moments = step.scene.encoder.encode(l.input.detach()).requires_grad_(true);

  Rng posterior = step.stream("posterior");
  std::vector<int64_t> shape = l.moments.sizes().vec();
  shape[1] /= 2;
  l.latents = diffusion::sample_latents(l.moments, randn(posterior, shape, step.device()),
                                        step.scene.prior.vae->config().scaling_factor);
  return l;
}

/// 3. Encodes the views; before them those of an edit's source, since the encoder's backward pass is for the last call.
Latents encode_views(const Step& step, const Renders& renders, const std::vector<Camera>& cameras) {
  const double fovx = 2 * std::atan(cameras.front().tan_half_fov_x);
  if (renders.source.empty()) return encode_branch(step, renders.views, fovx);
  const Latents source = encode_branch(step, renders.source, fovx);
  Latents latents = encode_branch(step, renders.views, fovx);
  latents.source = source.latents.detach();
  latents.source_rgb = source.rgb.detach();
  latents.source_disparity = source.disparity.detach();
  latents.picture = diffusion::posterior_mean(source.moments.detach());
  return latents;
}

/// 4. The score: dL/dlatents.
distill::ScoreOutput score_latents(const Step& step, const Latents& latents, const std::vector<Camera>& cameras) {
  const Scene& scene = step.scene;
  const TrainOptions& options = step.options();
  if (scene.denoiser.needs_control_images()) {
    const torch::Tensor images = scene.control_images
                                     ? latents.mirrored(scene.control_images(cameras).to(step.device()))
                                     : latents.disparity.detach();
    scene.denoiser.set_control_images(images.expand({-1, 3, -1, -1}));
  }
  LUCID_CHECK(!latents.flip || scene.denoiser.joint_views() == 1, "mirrored pictures contradict their cameras");
  show_cameras(scene, cameras);
  const auto normals = [&step](const Rng& stream) {
    return [rng = stream, device = step.device()](at::IntArrayRef shape) mutable { return randn(rng, shape, device); };
  };
  const bool fixed = options.score.fix_noise && !options.score.perpneg;  // as in the reference
  const uint64_t now = static_cast<uint64_t>(step.iteration), of_noise = fixed ? 0 : now;
  const uint64_t own_seed =
      options.score.noise_seed < 0 ? options.seed : static_cast<uint64_t>(options.score.noise_seed);
  const uint64_t seed = seed_after_setbacks(own_seed, step.model);
  distill::NoiseSource noise{
      .base = normals(Rng(seed, "noise", of_noise)),
      .offset = normals(Rng(seed_after_setbacks(options.seed, step.model), "offset noise", of_noise)),
      .eta = normals(step.stream("eta noise")),
      .uniform = [rng = step.stream("score")]() mutable { return rng.uniform(); }};
  Rng time(seed, "time", now);
  const auto range =
      distill::t_index_range(options.score, step.iteration, scene.prior.schedule.config().num_train_timesteps);
  const CloseUp* close_up = step.close_up();
  scene.distiller.want_sheet =
      options.vis_interval > 0 && (step.iteration == 1 || step.iteration % options.vis_interval == 0);
  return scene.distiller.score(scene.denoiser, scene.prior.schedule,
                               {.latents = latents.latents.detach(),
                                .prompts = close_up != nullptr ? close_up->prompts : &scene.prompts,
                                .views = directions_of(cameras, options.views),
                                .iteration = step.iteration,
                                .t_index = time.integer(range.low, range.high),
                                .source_latents = latents.source,
                                .source_prompts = scene.edit != nullptr ? scene.edit->prompts : nullptr,
                                .picture = options.score.instructed() ? latents.picture : torch::Tensor()},
                               noise);
}

/// 5. Back through the encoder and the image terms: fills the gradients of the leaves rgb, depth and alpha. Returns the
/// total variation, before its weight.
torch::Tensor backpropagate_to_images(const Step& step, const Latents& l, const torch::Tensor& d_latents) {
  const LossOptions& options = step.options().loss;
  const torch::Tensor d_moments = torch::autograd::grad({l.latents}, {l.moments}, {d_latents})[0];
  const torch::Tensor d_input = step.scene.encoder.backward(d_moments);
  const bool is_edit = l.source.defined();  // its change is to be smooth; what was there may be as it was
  const torch::Tensor variation = distill::total_variation(is_edit ? l.rgb - l.source_rgb : l.rgb) +
                                  distill::total_variation(is_edit ? l.disparity - l.source_disparity : l.disparity);
  torch::Tensor loss = (l.input * d_input).sum() + options.lambda_tv * variation;
  if (options.lambda_alpha > 0) loss = loss + options.lambda_alpha * (l.alpha * (1 - l.alpha)).mean();
  loss.backward();
  return variation.detach();
}

/// The first `count` rows: those of the model's Gaussians, without the ones that an edit holds.
gaussians::ActivatedGradient first_rows(gaussians::ActivatedGradient d, int64_t count) {
  for (torch::Tensor* each : {&d.means, &d.scales, &d.quats, &d.opacities, &d.sh, &d.means2d_ndc})
    *each = each->slice(0, 0, count);
  return d;
}

struct GaussianGradients {
  gaussians::CloudGradient parameters;
  std::vector<torch::Tensor> screen;  // of each view: dL/d(screen mean) [N,2]
};

/// 6. Back through the rasteriser to the Gaussians, view by view.
GaussianGradients backpropagate_to_gaussians(const Step& step, const Renders& renders, const Latents& latents) {
  const LossOptions& loss = step.options().loss;
  torch::Tensor d_rgb = gradient_of(latents.rgb), d_depth = gradient_of(latents.depth);
  const torch::Tensor d_alpha = gradient_of(latents.alpha);
  if (d_rgb.defined()) d_rgb = distill::clipped_per_pixel(d_rgb, loss.clip_rgb);
  if (d_depth.defined()) d_depth = distill::clipped_per_view(d_depth, loss.clip_depth);
  GaussianGradients gradients{.parameters = gaussians::CloudGradient::zeros_like(step.model.cloud), .screen = {}};
  for (size_t i = 0; i < renders.views.size(); ++i) {
    const auto view = static_cast<int64_t>(i);
    const gaussians::ActivatedGradient d_activated = first_rows(
        step.renderer.backward(
            static_cast<int>(i), renders.shown[i],
            {.rgb = image_data(d_rgb, view), .depth = image_data(d_depth, view), .alpha = image_data(d_alpha, view)}),
        step.model.cloud.count());
    gaussians::activate_backward(step.model.cloud, renders.activated[i], renders.augmentations[i], d_activated,
                                 gradients.parameters);
    gradients.screen.push_back(d_activated.means2d_ndc);
  }
  return gradients;
}

/// Adds the gradient of the scale term, the mean of all scales. Returns that mean.
torch::Tensor add_scale_term(const Step& step, gaussians::CloudGradient& gradient) {
  const torch::Tensor scales = step.model.cloud.log_scales.exp();
  gradient.raw[gaussians::Cloud::kLogScales].add_(
      scales, step.options().loss.lambda_scale / static_cast<double>(scales.numel()));
  return scales.mean();
}

/// 7. Statistics of the views, Adam, densification.
void update_gaussians(const Step& step, const Renders& renders, const GaussianGradients& gradients,
                      StepReport& report) {
  const TrainOptions& options = step.options();
  Model& model = step.model;
  for (size_t i = 0; i < renders.views.size(); ++i)
    model.stats.add_view(gradients.screen[i], renders.views[i].radii.slice(0, 0, model.cloud.count()));
  auto rates = options.rates.at(step.iteration);
  for (double& rate : rates) rate *= rate_after_setbacks(model);
  model.adam.step(model.cloud, gradients.parameters, rates);
  report.densified = optim::densify_if_due(model.cloud, model.adam, model.stats, options.densify, step.iteration,
                                           options.seed, &report.densify);
  if (report.densified) update_filter(model, options, {.anew = true});
  if (step.scene.edit != nullptr && step.scene.edit->confine) step.scene.edit->confine(model.cloud);
}

}  // namespace

Camera moved_close(const Camera& camera, const CloseUp& close_up) {
  const double factor = std::abs(std::remainder(camera.phi, 360.0)) <= 90 ? close_up.front : close_up.back;
  // The centre c becomes target + factor c. With t = -R c the new translation is factor t - R target.
  Camera close = camera;
  auto& m = close.camera_from_world;
  for (size_t row = 0; row < 3; ++row) {
    m[4 * row + 3] *= factor;
    for (size_t k = 0; k < 3; ++k) m[4 * row + 3] -= m[4 * row + k] * close_up.target[k];
  }
  close.radius *= factor;
  return close;
}

gaussians::Cloud shown_cloud(const Scene& scene, const gaussians::Cloud& cloud) {
  if (scene.edit == nullptr || !scene.edit->held) return cloud;
  gaussians::Cloud shown = cloud;
  const auto held = scene.edit->held->parameters();
  const auto own = shown.parameters();
  for (size_t group = 0; group < own.size(); ++group) *own[group] = torch::cat({*own[group], *held[group]});
  return shown;
}

std::vector<text_to_image::Direction> directions_of(const std::vector<Camera>& cameras, const ViewOptions& views) {
  std::vector<text_to_image::Direction> directions;
  for (const Camera& camera : cameras) {
    directions.push_back(
        {.azimuth = std::remainder(camera.phi - views.default_azimuth, 360.0), .elevation = 90 - camera.theta});
  }
  return directions;
}

void show_cameras(const Scene& scene, const std::vector<Camera>& cameras) {
  if (scene.denoiser.joint_views() == 1) return;
  std::vector<float> numbers;
  for (const Camera& camera : cameras) {
    const auto matrix = multi_view_camera(camera, scene.options.views.default_azimuth);
    numbers.insert(numbers.end(), matrix.begin(), matrix.end());
  }
  scene.denoiser.set_cameras(torch::tensor(numbers).view({static_cast<int64_t>(cameras.size()), -1}).to(scene.device));
}

StepReport training_step(const Scene& scene, Model& model, gaussians::ViewRenderer& renderer) {
  const Step step{.scene = scene, .model = model, .renderer = renderer, .iteration = ++model.iteration};
  using Of = NumberWatch::Of;
  StepReport report;
  StageClock clock(scene.waits_by_stage && step.device().is_cuda());
  NumberWatch watch;

  // After a round of refining the filter may be that of enlarged views.
  const bool was_refined = scene.options.refining_round(model.iteration - 1) >= 0;
  update_filter(model, scene.options, {.anew = was_refined});
  watch.add_parameters(model);
  int64_t t = -1;
  const auto refuse_bad = [&](const torch::Tensor& norms) {
    auto bad = watch.find(norms);
    if (!bad) return;
    bad->step = step.iteration;
    if (!bad->of_gaussians) bad->t = t;
    --model.iteration;
    throw NumbersError(*bad);
  };
  if (step.device().is_cpu()) refuse_bad(watch.norms());  // before the rasteriser does; on a GPU that would wait
  const std::vector<Camera> cameras = sample_cameras(step);
  Renders renders = render_views(step, cameras);
  clock.lap(report.seconds.render);
  const Latents latents = encode_views(step, renders, cameras);
  watch.add("the rendered colours", latents.rgb, Of::kGaussians, true);
  watch.add("the rendered depth", latents.depth, Of::kGaussians, true);
  watch.add("the rendered alpha", latents.alpha, Of::kGaussians, true);
  watch.add("the VAE's latents", latents.moments, Of::kPrior, true);
  clock.lap(report.seconds.encode);
  const distill::ScoreOutput score = score_latents(step, latents, cameras);
  watch.add("the score", score.unreplaced.defined() ? score.unreplaced : score.d_latents, Of::kPrior, true);
  clock.lap(report.seconds.score);
  const torch::Tensor variation = backpropagate_to_images(step, latents, score.d_latents);
  watch.add("the gradient at the colours", latents.rgb.grad(), Of::kPrior, true);
  clock.lap(report.seconds.encode_backward);
  GaussianGradients gradients = backpropagate_to_gaussians(step, renders, latents);
  clock.lap(report.seconds.render_backward);
  const torch::Tensor mean_scale = add_scale_term(step, gradients.parameters);
  for (size_t group = 0; group < gradients.parameters.raw.size(); ++group) {
    watch.add(fmt::format("the gradient at the Gaussians' {}", gaussians::Cloud::kNames[group]),
              gradients.parameters.raw[group], Of::kStep, false);
  }

  // Read together: on a GPU a read waits for all queued work. Read before the update, so that bad numbers change
  // nothing.
  const torch::Tensor read =
      torch::cat({torch::stack({score.d_latents.norm(), variation, mean_scale}), watch.norms()}).cpu();
  report.score_norm = read[0].item<double>();
  report.tv = read[1].item<double>();
  report.mean_scale = read[2].item<double>();
  report.timestep = t = score.times.t();
  refuse_bad(read.slice(0, 3));
  update_gaussians(step, renders, gradients, report);
  clock.lap(report.seconds.update);

  report.as_latent = latents.as_latent;
  report.views = std::move(renders.views);
  report.latents = latents.latents.detach();
  report.d_latents = score.d_latents;
  report.x0_uncond = score.x0_uncond;
  report.x0_guided = score.x0_guided;
  return report;
}

}  // namespace lucid::train
