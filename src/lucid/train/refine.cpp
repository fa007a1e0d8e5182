// SPDX-License-Identifier: Apache-2.0
// A round of refining: target pictures from the prior, then a fit of the Gaussians to them.
#include "lucid/train/refine.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <numeric>
#include <optional>

#include "lucid/base/error.h"
#include "lucid/distill/guidance.h"
#include "lucid/distill/image_terms.h"
#include "lucid/nn/choose.h"
#include "lucid/nn/layer.h"
#include "lucid/tensor/randn.h"
#include "lucid/train/background.h"
#include "lucid/train/enlarge.h"
#include "lucid/train/numbers.h"
#include "lucid/train/smoothing.h"

namespace lucid::train {

int64_t TrainOptions::refining_round(int64_t step) const {
  const int64_t first = step - iterations - 1, second = first - refine.iter - more_steps;
  if (first >= 0 && first < refine.iter) return first;
  return more_steps > 0 && second >= 0 && second < refine.iter ? second : -1;
}

namespace {

/// Images [B,C,H,W] averaged with a Gaussian of deviation `sigma` over windows of `side` pixels, an odd number; zero
/// outside.
torch::Tensor gaussian_mean(const torch::Tensor& image, double sigma, int64_t side) {
  const torch::Tensor at = torch::arange(side, image.options()) - (side - 1) / 2;
  torch::Tensor line = (-at.square() / (2 * sigma * sigma)).exp();
  line = line / line.sum();
  const int64_t channels = image.size(1);
  const torch::Tensor rows = line.view({1, 1, 1, side}).expand({channels, 1, 1, side}),
                      columns = line.view({1, 1, side, 1}).expand({channels, 1, side, 1});
  namespace F = torch::nn::functional;
  const torch::Tensor across = F::conv2d(image, rows, F::Conv2dFuncOptions().padding({0, side / 2}).groups(channels));
  return F::conv2d(across, columns, F::Conv2dFuncOptions().padding({side / 2, 0}).groups(channels));
}

}  // namespace

torch::Tensor structural_dissimilarity(const torch::Tensor& x, const torch::Tensor& y) {
  constexpr double kC1 = 0.01 * 0.01, kC2 = 0.03 * 0.03;
  const auto mean = [](const torch::Tensor& image) { return gaussian_mean(image, /*sigma=*/1.5, /*side=*/11); };
  const torch::Tensor mx = mean(x), my = mean(y), mxx = mx.square(), myy = my.square(), mxy = mx * my;
  const torch::Tensor vx = mean(x.square()) - mxx, vy = mean(y.square()) - myy, cov = mean(x * y) - mxy;
  const torch::Tensor ssim = ((2 * mxy + kC1) * (2 * cov + kC2)) / ((mxx + myy + kC1) * (vx + vy + kC2));
  return 1 - ssim.mean();
}

torch::Tensor dissimilarity_of_objects(const torch::Tensor& shown, const torch::Tensor& wanted,
                                       const torch::Tensor& on_white) {
  constexpr int64_t kMargin = 10;  // windows of 11 pixels that touch the object, and what they see
  const torch::Tensor object = on_white.amin({0, 1}) < 0.99;  // [H,W]
  const torch::Tensor rows = object.any(1).nonzero(), columns = object.any(0).nonzero();
  if (rows.size(0) == 0) return structural_dissimilarity(shown, wanted);
  const auto range = [&](const torch::Tensor& hits, int64_t size) {
    return std::pair(std::max<int64_t>(hits[0].item<int64_t>() - kMargin, 0),
                     std::min(hits[-1].item<int64_t>() + 1 + kMargin, size));
  };
  const auto [top, bottom] = range(rows, wanted.size(2));
  const auto [left, right] = range(columns, wanted.size(3));
  const auto part = [&, top = top, bottom = bottom, left = left, right = right](const torch::Tensor& pictures) {
    return pictures.slice(2, top, bottom).slice(3, left, right);
  };
  const double share = static_cast<double>((bottom - top) * (right - left)) / static_cast<double>(object.numel());
  return share * structural_dissimilarity(part(shown), part(wanted));
}

torch::Tensor with_colours_of(const SeenObject& guide, const SeenObject& pictures, double share) {
  const double sigma = static_cast<double>(pictures.rgb.size(3)) / 20;
  const auto blurred = [sigma](const torch::Tensor& image) {
    return gaussian_mean(image, sigma, 2 * std::llround(2.5 * sigma) + 1);
  };
  constexpr double kEnough = 0.1;  // of a window, so that the guide has a say
  const auto colour_and_weight = [&](const SeenObject& object) {
    const torch::Tensor inside = (object.alpha > 0.5).to(torch::kFloat), near = blurred(inside);
    return std::pair(blurred(object.rgb * inside) / near.clamp_min(1e-3), (near / kEnough).clamp_max(1));
  };
  const auto [wanted, say] = colour_and_weight(guide);
  const auto [shown, there] = colour_and_weight(pictures);
  return (pictures.rgb + share * pictures.alpha * say * there * (wanted - shown)).clamp(0, 1);
}

torch::Tensor on_white_ground(const torch::Tensor& pictures, const torch::Tensor& alpha) {
  constexpr double kSeen = 0.05;
  const int64_t reach = std::max<int64_t>(alpha.size(3) / 25, 1);
  return 1 + grown(alpha > kSeen, reach).to(torch::kFloat) * (pictures - 1);
}

namespace {

/// A noise level as an index of timesteps: of round r of n, from t_first to t_last.
int64_t noise_index(const RefineOptions& options, int64_t round, int64_t train_timesteps) {
  const double share = options.iter > 1 ? static_cast<double>(round) / static_cast<double>(options.iter - 1) : 0;
  const double level = options.t_first + share * (options.t_last - options.t_first);
  return std::clamp<int64_t>(std::llround(level * static_cast<double>(train_timesteps)), 1, train_timesteps - 1);
}

/// timesteps 0 (not included) to t in `steps` equal strides, ascending; the last is t.
std::vector<int64_t> strides(int64_t t, int64_t steps) {
  std::vector<int64_t> result;
  for (int64_t i = 1; i <= steps; ++i) {
    const int64_t at = t * i / steps;
    if (at > 0 && (result.empty() || at > result.back())) result.push_back(at);
  }
  return result;
}

constexpr std::array<float, 3> kWhite{1, 1, 1};

/// What a round needs of its scene.
struct Round {
  const Scene& scene;
  Model& model;
  gaussians::ViewRenderer& renderer;
  int64_t t;       // timestep of the noise level
  int64_t factor;  // by which the pictures are enlarged before the fit; 1 = not

  const TrainOptions& options() const { return scene.options; }
  const RefineOptions& refine() const { return scene.options.refine; }
  /// Large pictures one at a time: decoding one of 512 x 512 takes Stable Diffusion's VAE a gigabyte.
  int64_t decoded_at_once() const {
    constexpr int64_t kLarge = 256 * 256;
    return options().views.width * options().views.height >= kLarge ? 1 : options().batch;
  }
  Rng stream(const char* name) const {
    return Rng(seed_after_setbacks(options().seed, model), name, static_cast<uint64_t>(model.iteration));
  }
};

/// Renders of the views on white, colours in [0, 1].
SeenObject seen_in(const gaussians::Activated& cloud, const std::vector<Camera>& cameras,
                   gaussians::ViewRenderer& renderer) {
  std::vector<torch::Tensor> colours, alphas;
  for (const Camera& camera : cameras) {
    const gaussians::RenderedView view = renderer.forward(0, cloud, camera, {1, 1, 1});
    colours.push_back(view.rgb);
    alphas.push_back(view.alpha);
  }
  return {.rgb = torch::stack(colours).clamp(0, 1), .alpha = torch::stack(alphas)};
}

/// Of InstructPix2Pix: the means of the posteriors of an edit's source in these views. Undefined for other priors.
torch::Tensor pictures_of_source(const Round& round, const std::vector<Camera>& cameras) {
  if (!round.options().score.instructed()) return {};
  const SeenObject source = seen_in(gaussians::activate(round.scene.edit->source), cameras, round.renderer);
  return diffusion::posterior_mean(round.scene.encoder.encode(source.rgb));
}

/// The prior's picture of one batch of views: renders [B,3,H,W] -> pictures [B,3,H,W] in [0, 1].
torch::Tensor denoised(const Round& round, const torch::Tensor& renders, const std::vector<Camera>& cameras,
                       const torch::Tensor& noise) {
  const torch::NoGradGuard no_grad;
  const Scene& scene = round.scene;
  const diffusion::Schedule& schedule = scene.prior.schedule;
  torch::Tensor x = diffusion::posterior_mean(scene.encoder.encode(renders)) * scene.prior.vae->config().scaling_factor;
  const std::vector<int64_t> times = strides(round.t, round.refine().denoise_steps);
  x = schedule.add_noise(x, noise.repeat({x.size(0) / noise.size(0), 1, 1, 1}), round.t);
  distill::ScoreOptions guidance = round.options().score;
  guidance.guidance_scale = round.refine().guidance;
  distill::ScoreInput input;
  input.prompts = &scene.prompts;
  input.views = directions_of(cameras, round.options().views);
  input.picture = pictures_of_source(round, cameras);
  input.iteration = round.options().iterations + 1;
  for (size_t i = times.size(); i-- > 0;) {
    const distill::Guided guided = distill::guide(guidance, scene.denoiser, schedule, input, x, times[i]);
    x = i > 0 ? schedule.ddim_step(x, guided.guided, times[i], times[i - 1])
              : schedule.predicted_x0(x, guided.guided, times[0]);
  }
  const torch::ScalarType dtype = nn::activation_dtype(nn::compute_dtype(*scene.prior.vae), x);
  std::vector<torch::Tensor> pictures;
  for (const torch::Tensor& part : x.to(dtype).split(round.decoded_at_once())) {
    pictures.push_back(((scene.prior.vae->decode(part).to(torch::kFloat) + 1) / 2).clamp(0, 1));
  }
  return torch::cat(pictures);
}

/// What the Gaussians are fitted to.
struct Targets {
  std::vector<Camera> cameras;
  torch::Tensor pictures;        // [V,3,H,W], on white
  Backgrounds backgrounds = {};  // of the pictures, where steps are on another background
};

/// One step of the fit, to the views `chosen`, on this background; returns the loss.
torch::Tensor fit_step(const Round& round, const Targets& targets, const std::vector<int64_t>& chosen,
                       const std::optional<std::array<float, 3>>& colour) {
  gaussians::Cloud& cloud = round.model.cloud;
  const gaussians::Augmentation plain{.active_degree = cloud.sh_degree()};
  const gaussians::Activated activated = gaussians::activate(cloud, plain);
  std::vector<torch::Tensor> pictures;
  for (size_t i = 0; i < chosen.size(); ++i) {
    const Camera& camera = targets.cameras[static_cast<size_t>(chosen[i])];
    pictures.push_back(round.renderer.forward(static_cast<int>(i), activated, camera, colour.value_or(kWhite)).rgb);
  }
  torch::Tensor rgb = torch::stack(pictures).requires_grad_(true);
  // Picture by picture: what SSIM holds of one is large.
  const double ssim = round.refine().ssim;
  torch::Tensor loss = torch::zeros({}, rgb.options());
  for (size_t i = 0; i < chosen.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    const auto of_view = [&](const torch::Tensor& all) { return all.slice(0, chosen[i], chosen[i] + 1); };
    const torch::Tensor on_white = of_view(targets.pictures), drawn = rgb.slice(0, at, at + 1);
    torch::Tensor wanted = on_white, shown = round.options().loss.clamp_rgb ? distill::as_displayed(drawn) : drawn;
    if (colour) {
      wanted = on_colour(on_white, of_view(targets.backgrounds.surely), *colour);
      shown = torch::where(of_view(targets.backgrounds.unsure), wanted, shown);
    }
    const torch::Tensor part =
        ((1 - ssim) * (shown - wanted).abs().mean() + ssim * dissimilarity_of_objects(shown, wanted, on_white)) /
        static_cast<double>(chosen.size());
    part.backward();
    loss += part.detach();
  }
  const torch::Tensor d_rgb = rgb.grad().contiguous();
  gaussians::CloudGradient gradient = gaussians::CloudGradient::zeros_like(cloud);
  for (size_t i = 0; i < chosen.size(); ++i) {
    const gaussians::ActivatedGradient d = round.renderer.backward(
        static_cast<int>(i), activated, {.rgb = d_rgb[static_cast<int64_t>(i)].data_ptr<float>()});
    gaussians::activate_backward(cloud, activated, plain, d, gradient);
  }
  auto rates = round.options().rates.at(round.options().rates.iterations);
  for (double& rate : rates) rate *= round.refine().rate * rate_after_setbacks(round.model);
  if (round.model.kept.defined()) {
    for (const auto& [held, start] : round.model.kept.groups()) rates[held] = 0;
  }
  round.model.adam.step(cloud, gradient, rates);
  return loss;
}

}  // namespace

StepReport refining_round(const Scene& scene, Model& model, gaussians::ViewRenderer& renderer) {
  const TrainOptions& options = scene.options;
  const RefineOptions& refine = options.refine;
  ++model.iteration;
  const int64_t number = options.refining_round(model.iteration);
  LUCID_CHECK(number >= 0, "step {} is no round of refining", model.iteration);
  const bool fine = scene.upscaler != nullptr && number >= refine.iter - refine.fine;
  const Round round{.scene = scene,
                    .model = model,
                    .renderer = renderer,
                    .t = noise_index(refine, number, scene.prior.schedule.config().num_train_timesteps),
                    .factor = fine ? (*scene.upscaler)->config().factor : 1};
  const torch::Device device = model.device();
  StepReport report;
  using Of = NumberWatch::Of;
  NumberWatch watch;
  watch.add_parameters(model);
  const auto refuse_bad = [&](const torch::Tensor& norms) {
    auto bad = watch.find(norms);
    if (!bad) return;
    bad->step = model.iteration;
    if (!bad->of_gaussians) bad->t = round.t;
    throw NumbersError(*bad);
  };
  if (device.is_cpu()) refuse_bad(watch.norms());  // before the rasteriser does
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();

  Rng camera_stream = round.stream("refine camera"), order = round.stream("refine order"),
      noise_stream = round.stream("refine noise"), background_stream = round.stream("refine background");
  const ViewOptions views = options.use_progressive ? widened(options.views, options.iterations) : options.views;
  const std::vector<Camera> cameras = sample_views(views, static_cast<int>(refine.views), camera_stream);

  const std::vector<Camera> fit_cameras = enlarged(cameras, round.factor);
  // Geometry that is held, and rows that belong to an edit, stay as many as they are.
  if (fine && !model.kept.defined() && scene.edit == nullptr) split_wide(model, fit_cameras, options);
  update_filter(model, options, {.anew = fine, .factor = round.factor});

  // The pictures to fit, batch by batch.
  std::vector<torch::Tensor> targets;
  const gaussians::Activated activated = gaussians::activate(model.cloud);
  const int64_t downscale = scene.prior.vae->config().downscale();
  const torch::Tensor noise = tensor::randn(noise_stream,
                                            {scene.denoiser.joint_views(), scene.prior.vae->config().latent_channels,
                                             views.height / downscale, views.width / downscale},
                                            device);
  for (size_t first = 0; first < cameras.size(); first += static_cast<size_t>(options.batch)) {
    const size_t end = std::min(cameras.size(), first + static_cast<size_t>(options.batch));
    std::vector<torch::Tensor> renders, depths, alphas;
    for (size_t i = first; i < end; ++i) {
      const gaussians::RenderedView view = renderer.forward(0, activated, cameras[i], {1, 1, 1});
      renders.push_back(view.rgb);
      depths.push_back(view.depth);
      alphas.push_back(view.alpha);
    }
    const std::vector<Camera> part(cameras.begin() + static_cast<int64_t>(first),
                                   cameras.begin() + static_cast<int64_t>(end));
    const torch::Tensor alpha = torch::stack(alphas);
    show_cameras(scene, part);
    if (scene.denoiser.needs_control_images()) {
      const torch::Tensor shown = scene.control_images ? scene.control_images(part).to(device)
                                                       : distill::disparity(torch::stack(depths), 1 - alpha,
                                                                            2 * std::atan(part.front().tan_half_fov_x));
      scene.denoiser.set_control_images(shown.expand({-1, 3, -1, -1}));
    }
    torch::Tensor picture = denoised(round, torch::stack(renders).clamp(0, 1), part, noise);
    if (scene.colours != nullptr && refine.colour > 0) {
      const SeenObject guide = seen_in(gaussians::activate(*scene.colours), part, renderer);
      picture = with_colours_of(guide, {.rgb = picture, .alpha = alpha}, refine.colour);
    }
    torch::Tensor object = alpha;
    if (round.factor > 1) {
      const torch::NoGradGuard no_grad;
      picture = (*scene.upscaler)->forward(picture).clamp(0, 1);
      object = seen_in(activated, enlarged(part, round.factor), renderer).alpha;
    }
    targets.push_back(on_white_ground(picture, object));
  }
  Targets goal{.cameras = fit_cameras, .pictures = torch::cat(targets)};
  watch.add("the prior's pictures", goal.pictures, Of::kPrior, true);
  constexpr int64_t kRim = 1;  // pixels of the prior's pictures
  if (refine.background > 0) goal.backgrounds = backgrounds_of(goal.pictures, kRim * round.factor);
  const Clock::time_point painted = Clock::now();
  report.seconds.score = std::chrono::duration<double>(painted - begin).count();

  // The fit: every view equally often, in a random order.
  std::vector<int64_t> queue;
  torch::Tensor total = torch::zeros({}, model.cloud.means.options());
  for (int64_t step = 0; step < refine.fit_steps; ++step) {
    std::vector<int64_t> chosen;
    while (static_cast<int64_t>(chosen.size()) < std::min<int64_t>(options.batch, refine.views)) {
      if (queue.empty()) {
        queue.resize(cameras.size());
        std::iota(queue.begin(), queue.end(), 0);
        for (size_t i = queue.size(); i > 1; --i) {
          std::swap(queue[i - 1], queue[static_cast<size_t>(order.integer(0, static_cast<int64_t>(i)))]);
        }
      }
      chosen.push_back(queue.back());
      queue.pop_back();
    }
    std::optional<std::array<float, 3>> colour;
    if (background_stream.chance(refine.background)) {
      colour.emplace();
      for (float& channel : *colour) channel = static_cast<float>(background_stream.uniform());
    }
    total += fit_step(round, goal, chosen, colour);
  }
  watch.add("the loss", total, Of::kStep, false);
  refuse_bad(watch.norms().cpu());
  report.timestep = round.t;
  report.score_norm = total.item<double>() / static_cast<double>(refine.fit_steps);
  report.mean_scale = model.cloud.log_scales.exp().mean().item<double>();
  report.seconds.update = std::chrono::duration<double>(Clock::now() - painted).count();
  return report;
}

}  // namespace lucid::train
