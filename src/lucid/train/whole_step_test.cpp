// SPDX-License-Identifier: Apache-2.0
// One training step against a second composition of it in double precision: the reference rasteriser as an autograd
// function, one loss with all its terms, Adam as in its paper. Each test turns on one part of the step, so that a
// mistake fails the test that names it.
#include <gtest/gtest.h>

#include <cmath>
#include <deque>
#include <utility>

#include "goldens.h"
#include "lucid/distill/distiller.h"
#include "lucid/distill/image_terms.h"
#include "lucid/render/rasterize.h"
#include "lucid/tensor/relative_error.h"
#include "lucid/text_to_image/prior.h"
#include "lucid/train/step.h"

namespace lucid::train {
namespace {

using gaussians::Cloud;
using torch::Tensor;

constexpr int kWidth = 48, kHeight = 32;  // not square: a flip of the wrong axis shows
constexpr int64_t kGaussians = 40;
constexpr double kImageLimit = 1e-4, kLimit = 2e-3;  // float32 against double, relative
using enum Cloud::Group;

// ---- The score: linear in its inputs, so that its gradient says what it was given.

Tensor linear_score(const Tensor& latents, const Tensor& base, const Tensor& offset, const Tensor& eta,
                    double t_index) {
  return 0.5 * latents + 0.4 * base + 0.3 * offset - 0.2 * eta + t_index / 1000;
}

class LinearScore final : public distill::Distiller {
 public:
  distill::ScoreOutput score(diffusion::Denoiser&, const diffusion::Schedule&, const distill::ScoreInput& input,
                             distill::NoiseSource& noise) const override {
    last = input;
    wanted_sheet = want_sheet;
    const std::vector<int64_t> shape = input.latents.sizes().vec();
    const Tensor base = noise.base(shape), offset = noise.offset({1, shape[1], 1, 1}), eta = noise.eta(shape);
    distill::ScoreOutput output;
    output.d_latents = scale * linear_score(input.latents, base, offset, eta, static_cast<double>(input.t_index));
    output.times.visited = {input.t_index + 7};
    output.x0_uncond = input.latents + 1;
    output.x0_guided = input.latents + 2;
    return output;
  }
  double scale = 1;
  mutable distill::ScoreInput last;
  mutable bool wanted_sheet = false;
};

/// Records its control images. LinearScore never asks it for a prediction.
class ControlledDenoiser final : public diffusion::Denoiser {
 public:
  Tensor predict(const Tensor& x, const Tensor&, const nn::PromptMix&) override { return x; }
  bool needs_control_images() const override { return wants_control_images; }
  void set_control_images(const Tensor& images) override { control_images = images.clone(); }
  bool wants_control_images = false;
  Tensor control_images;
};

// ---- The reference rasteriser in double as an autograd function.

struct ExactView {
  Camera camera;
  std::array<double, 3> background{};
  int degree = 0;
  render::Filter filter = render::Filter::kDilated;
  Tensor factor, noise;                       // the augmentations; undefined: none
  Tensor rgb, depth, alpha;                   // [3,H,W] [1,H,W] [1,H,W]
  Tensor radii, d_means2d = torch::Tensor();  // [N] int32; [N,2], once backward has run
};

render::CloudView<double> cloud_view(const torch::autograd::variable_list& x, const ExactView& view) {
  return {.count = x[0].size(0),
          .sh_degree = view.degree,
          .means = x[0].data_ptr<double>(),
          .scales = x[1].data_ptr<double>(),
          .quats = x[2].data_ptr<double>(),
          .opacities = x[3].data_ptr<double>(),
          .sh = x[4].data_ptr<double>(),
          .filter = view.filter};
}

struct RenderExactly : torch::autograd::Function<RenderExactly> {
  static torch::autograd::variable_list forward(torch::autograd::AutogradContext* context, const Tensor& means,
                                                const Tensor& scales, const Tensor& quats, const Tensor& opacities,
                                                const Tensor& sh, ExactView* view) {
    torch::autograd::variable_list x;
    for (const Tensor& input : {means, scales, quats, opacities, sh}) x.push_back(input.detach().contiguous());
    context->save_for_backward(x);
    context->saved_data["view"] = reinterpret_cast<int64_t>(view);
    const auto empty = [](int64_t channels) { return torch::empty({channels, kHeight, kWidth}, torch::kDouble); };
    const Tensor rgb = empty(3), depth = empty(1), alpha = empty(1);
    view->radii = torch::empty({means.size(0)}, torch::kInt32);
    render::reference::forward<double>(cloud_view(x, *view), view->camera, view->background,
                                       {.rgb = rgb.data_ptr<double>(),
                                        .depth = depth.data_ptr<double>(),
                                        .alpha = alpha.data_ptr<double>(),
                                        .radii = view->radii.data_ptr<int32_t>()});
    return {rgb, depth, alpha};
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list up) {
    const torch::autograd::variable_list x = context->get_saved_variables();
    auto* view = reinterpret_cast<ExactView*>(context->saved_data["view"].toInt());
    torch::autograd::variable_list d;
    for (const Tensor& input : x) d.push_back(torch::empty_like(input));
    view->d_means2d = torch::empty({x[0].size(0), 2}, torch::kDouble);
    for (Tensor& image : up) image = image.contiguous();
    render::reference::backward<double>(
        cloud_view(x, *view), view->camera, view->background,
        {.rgb = up[0].data_ptr<double>(), .depth = up[1].data_ptr<double>(), .alpha = up[2].data_ptr<double>()},
        {.means = d[0].data_ptr<double>(),
         .scales = d[1].data_ptr<double>(),
         .quats = d[2].data_ptr<double>(),
         .opacities = d[3].data_ptr<double>(),
         .sh = d[4].data_ptr<double>(),
         .means2d_ndc = view->d_means2d.data_ptr<double>()});
    d.push_back(Tensor());  // of the view
    return d;
  }
};

// ---- The step in double.

using Parameters = std::array<Tensor, Cloud::kGroups>;  // double, in the cloud's order

Parameters exact(const Cloud& cloud) {
  Parameters result;
  for (size_t g = 0; g < result.size(); ++g) result[g] = cloud.parameters()[g]->to(torch::kDouble);
  return result;
}

/// A trainer's surroundings with a tiny prior. Its networks are not trained; only the VAE's encoder is asked.
struct Surroundings {
  explicit Surroundings(TrainOptions of) : options(std::move(of)) {}

  TrainOptions options;
  text_to_image::Prior prior = text_to_image::load_prior(test::source_dir() / "tests/goldens/sd/tiny-sd2-base");
  text_to_image::ViewPrompts prompts{text_to_image::ViewAnchors::reference(), torch::zeros({4, 1, 1}),
                                     torch::zeros({1, 1, 1}), torch::zeros({1, 1, 1})};
  diffusion::ImageEncoder encoder{prior.vae};
  ControlledDenoiser denoiser;
  LinearScore score;
  std::function<Tensor(const std::vector<Camera>&)> shown;

  Scene scene() {
    return {.options = options,
            .prior = prior,
            .encoder = encoder,
            .denoiser = denoiser,
            .prompts = prompts,
            .distiller = score,
            .control_images = shown};
  }
};

struct ExactStep {
  std::deque<ExactView> views;
  bool flip = false, as_latent = false;
  Tensor rgb, depth, alpha;              // [B,C,H,W]
  Tensor disparity, latents, d_latents;  // disparity: as seen, [B,1,H,W]
  int64_t t_index = 0;
  Tensor tv, loss;  // loss: its gradient is the step's, with d_latents held fixed
};

Tensor draw_normals(Rng& rng, at::IntArrayRef shape) {
  const Tensor result = torch::empty(shape);
  rng.fill_normal(result.data_ptr<float>(), static_cast<size_t>(result.numel()));
  return result.to(torch::kDouble);
}

/// The 3D filter of Mip-Splatting, eq. 7, Gaussian by Gaussian: sqrt(variance) / largest sampling rate over the views
/// that show it. [N,1]
Tensor exact_filter(const TrainOptions& options, const Tensor& means, int64_t iteration) {
  Rng rng(options.seed, "filter", static_cast<uint64_t>(iteration));
  const auto cameras =
      sample_views(options.use_progressive ? widened(options.views, iteration) : options.views, 64, rng);
  std::vector<double> rates;
  for (int64_t n = 0; n < means.size(0); ++n) {
    double rate = 0;
    for (const Camera& camera : cameras) {
      std::array<double, 3> here{};
      for (size_t row = 0; row < 3; ++row) {
        here[row] = camera.camera_from_world[4 * row + 3];
        for (size_t k = 0; k < 3; ++k) {
          here[row] += camera.camera_from_world[4 * row + k] * means[n][static_cast<int64_t>(k)].item<double>();
        }
      }
      const double focal = camera.width / (2 * camera.tan_half_fov_x);
      const double x = here[0] / here[2] * focal / camera.width, y = here[1] / here[2] * focal / camera.height;
      if (here[2] > 0.2 && std::abs(x) <= 0.5 * 1.15 && std::abs(y) <= 0.5 * 1.15)
        rate = std::max(rate, focal / here[2]);
    }
    EXPECT_GT(rate, 0) << "Gaussian " << n << " is on no picture";
    rates.push_back(rate);
  }
  return std::sqrt(options.filter_3d) / torch::tensor(rates, torch::kDouble).unsqueeze(1);
}

ExactStep exact_step(Surroundings& around, const Parameters& x, int64_t iteration) {
  const TrainOptions& options = around.options;
  const AugmentOptions& augment = options.augment;
  const auto stream = [&](const char* name) { return Rng(options.seed, name, static_cast<uint64_t>(iteration)); };
  ExactStep step;

  const Tensor filter = options.filter_3d > 0 ? exact_filter(options, x[0].detach(), iteration) : Tensor();
  Rng camera = stream("camera"), augmentation = stream("augment");
  const int64_t grown = std::min<int64_t>(iteration / 500, options.sh_degree);
  std::vector<Tensor> rgb, depth, alpha;
  for (const Camera& c : sample_views(options.use_progressive ? widened(options.views, iteration) : options.views,
                                      static_cast<int>(options.batch), camera)) {
    ExactView& view = step.views.emplace_back();
    view.camera = c;
    view.background = {1, 1, 1};
    if (options.mip_filter) view.filter = render::Filter::kMip;
    if (augmentation.chance(augment.bg_aug_ratio)) {
      view.background = {0, 0, 0};
      if (!augmentation.chance(0.5)) {
        for (double& channel : view.background) channel = static_cast<float>(augmentation.uniform());
      }
    }
    view.degree = augmentation.chance(augment.sh_deg_aug_ratio) ? 0 : static_cast<int>(grown);
    const int64_t coefficients = (view.degree + 1) * (view.degree + 1), count = x[0].size(0);
    Tensor scales = x[kLogScales].exp(), sh = torch::cat({x[1], x[kShRest].slice(1, 0, coefficients - 1)}, 1);
    if (augmentation.chance(augment.scale_aug_ratio)) {
      scales = scales * (1 + std::sqrt(0.2) / 4 * draw_normals(augmentation, {count, 3}));
    }
    if (augmentation.chance(augment.shs_aug_ratio)) {
      sh = sh + std::sqrt(0.2) / 4 * draw_normals(augmentation, {count, coefficients, 3});
    }
    Tensor opacities = x[kOpacityLogits].sigmoid().squeeze(1);
    if (filter.defined()) {
      const Tensor wide = (scales.square() + filter.square()).sqrt();
      opacities = opacities * (scales / wide).prod(1);
      scales = wide;
    }
    const auto images = RenderExactly::apply(x[0], scales, x[5], opacities, sh, &view);
    rgb.push_back(images[0]);
    depth.push_back(images[1]);
    alpha.push_back(images[2]);
  }
  step.rgb = torch::stack(rgb);
  step.depth = torch::stack(depth);
  step.alpha = torch::stack(alpha);

  Rng choice = stream("choice");
  step.flip = choice.chance(augment.flip_ratio);
  step.as_latent = iteration < options.loss.geo_iter || choice.chance(options.loss.as_latent_ratio);
  const auto mirrored = [&](const Tensor& image) { return step.flip ? image.flip({3}) : image; };
  const double fovx = 2 * std::atan(step.views.front().camera.tan_half_fov_x);
  step.disparity = mirrored(distill::disparity(step.depth, 1 - step.alpha, fovx));
  const Tensor colours = options.loss.clamp_rgb ? distill::as_displayed(step.rgb) : step.rgb;
  const Tensor picture = step.as_latent ? step.disparity.repeat({1, 3, 1, 1}) : mirrored(colours);
  // The encoder alone is float32: it has tests of its own.
  const Tensor moments = around.prior.vae->encode_moments((picture * 2 - 1).to(torch::kFloat)).to(torch::kDouble);
  const auto parts = moments.chunk(2, 1);
  Rng posterior = stream("posterior");
  const Tensor noise = draw_normals(posterior, parts[0].sizes());
  step.latents = (parts[0] + (0.5 * parts[1].clamp(-30, 20)).exp() * noise) * around.prior.vae->config().scaling_factor;

  Rng time = stream("time"), base = stream("noise"), offset = stream("offset noise"), eta = stream("eta noise");
  const auto range = distill::t_index_range(options.score, iteration, 1000);
  step.t_index = time.integer(range.low, range.high);
  const auto shape = step.latents.sizes();
  const Tensor of_base = draw_normals(base, shape), of_offset = draw_normals(offset, {1, shape[1], 1, 1});
  step.d_latents = around.score.scale * linear_score(step.latents.detach(), of_base, of_offset,
                                                     draw_normals(eta, shape), static_cast<double>(step.t_index));

  step.tv = distill::total_variation(step.rgb) + distill::total_variation(step.disparity);
  step.loss = (step.latents * step.d_latents).sum() + options.loss.lambda_tv * step.tv +
              options.loss.lambda_alpha * (step.alpha - step.alpha.square()).mean() +
              options.loss.lambda_scale * x[kLogScales].exp().mean();
  return step;
}

// ---- A model and options in which every part of the step does something, and their comparison.

Tensor uniform(double low, double high, at::IntArrayRef shape) { return torch::rand(shape) * (high - low) + low; }

/// SH degree 2, history in Adam and in the statistics, `iteration` steps done.
Model some_model(int64_t iteration) {
  torch::manual_seed(5);
  const Cloud cloud{.means = uniform(-0.8, 0.8, {kGaussians, 3}),
                    .sh_dc = 1.5 * torch::randn({kGaussians, 1, 3}),
                    .sh_rest = 0.3 * torch::randn({kGaussians, 8, 3}),
                    .opacity_logits = uniform(-1.5, 4, {kGaussians, 1}),
                    .log_scales = uniform(-2.5, -1, {kGaussians, 3}),
                    .quats = torch::randn({kGaussians, 4})};
  Model model = start_model(cloud);
  for (size_t g = 0; g < Cloud::kGroups; ++g) {
    model.adam.m[g].normal_(0, 1e-3);
    model.adam.v[g].uniform_(1e-6, 1e-4);
  }
  model.adam.steps = 3;
  model.stats.gradient_sum.uniform_(0, 0.1);
  model.stats.gradient_count.random_(0, 4);
  model.stats.max_radii.random_(0, 12);
  model.iteration = iteration;
  return model;
}

Model copy_of(Model& model) {
  Model copy = model;
  for_each_tensor(copy, [](const std::string&, Tensor& tensor) { tensor = tensor.clone(); });
  return copy;
}

constexpr int64_t kIteration = 700;  // SH degree 1

/// The score on two views and nothing else.
TrainOptions score_alone() {
  TrainOptions options;
  options.seed = 11;
  options.batch = 2;
  options.sh_degree = 2;
  options.views.width = kWidth;
  options.views.height = kHeight;
  options.augment = {
      .bg_aug_ratio = 0, .scale_aug_ratio = 0, .sh_deg_aug_ratio = 0, .shs_aug_ratio = 0, .flip_ratio = 0};
  options.loss = {.lambda_tv = 0, .lambda_scale = 0, .lambda_alpha = 0, .clamp_rgb = false, .as_latent_ratio = 0};
  options.densify.densification_interval = options.densify.opacity_reset_interval = 0;  // never
  options.rates.iterations = 800;  // so that the rates of two neighbouring steps differ by more than kLimit
  options.vis_interval = 0;
  return options;
}

void expect_near(const Tensor& found, const Tensor& wanted, double limit, const std::string& what) {
  EXPECT_LT(tensor::relative_error(found, wanted), limit) << what;
}

/// The next step of `model`, and the same in double; expects everything that it changes and reports to agree.
struct Compared {
  ExactStep wanted;
  StepReport report;
};
Compared compare_step(Surroundings& around, Model& model) {
  Model before = copy_of(model);
  const int64_t iteration = before.iteration + 1;
  gaussians::ViewRenderer renderer(torch::kCPU);
  Compared result;
  result.report = training_step(around.scene(), model, renderer);

  Parameters x = exact(before.cloud);
  for (Tensor& parameter : x) parameter.requires_grad_(true);
  ExactStep& wanted = result.wanted = exact_step(around, x, iteration);
  // The deque's move keeps its elements where they are, and autograd's pointers to them.
  const auto gradients = torch::autograd::grad({wanted.loss}, {x.begin(), x.end()}, {}, /*retain_graph=*/false, false,
                                               /*allow_unused=*/true);
  const torch::NoGradGuard no_grad;

  EXPECT_EQ(model.iteration, iteration);
  const StepReport& report = result.report;
  EXPECT_EQ(report.views.size(), wanted.views.size());
  for (size_t i = 0; i < report.views.size(); ++i) {
    const std::string view = " of view " + std::to_string(i);
    const auto at = static_cast<int64_t>(i);
    expect_near(report.views[i].rgb, wanted.rgb[at], kImageLimit, "rgb" + view);
    expect_near(report.views[i].depth, wanted.depth[at], kImageLimit, "depth" + view);
    expect_near(report.views[i].alpha, wanted.alpha[at], kImageLimit, "alpha" + view);
    EXPECT_TRUE(report.views[i].radii.equal(wanted.views[i].radii)) << "radii" << view;
  }
  EXPECT_EQ(report.as_latent, wanted.as_latent);
  expect_near(report.latents, wanted.latents, kImageLimit, "latents");
  expect_near(report.d_latents, wanted.d_latents, kImageLimit, "dL/dlatents");
  EXPECT_NEAR(report.score_norm, wanted.d_latents.norm().item<double>(), 1e-4 * report.score_norm);
  EXPECT_NEAR(report.tv, wanted.tv.item<double>(), 1e-3 * wanted.tv.item<double>()) << "the reported total variation";
  const double mean_scale = x[kLogScales].exp().mean().item<double>();
  EXPECT_NEAR(report.mean_scale, mean_scale, 1e-5 * mean_scale) << "the reported mean scale";
  for (const double seconds : {report.seconds.render, report.seconds.encode, report.seconds.score,
                               report.seconds.encode_backward, report.seconds.render_backward, report.seconds.update}) {
    EXPECT_GT(seconds, 0) << "a stage without a time";
  }

  // Statistics of every view.
  optim::DensifyStats stats = before.stats;
  for (ExactView& view : wanted.views) {
    const Tensor norm = view.d_means2d.defined() ? view.d_means2d.norm(2, 1, true) : torch::zeros({kGaussians, 1});
    const Tensor visible = (view.radii > 0).unsqueeze(1);
    stats.gradient_sum = stats.gradient_sum + norm * visible;
    stats.gradient_count = stats.gradient_count + visible;
    stats.max_radii = torch::maximum(stats.max_radii, view.radii.to(torch::kFloat));
  }

  // Adam as its paper has it.
  optim::Adam adam(before.cloud);
  adam.steps = before.adam.steps + 1;
  const auto rates = around.options.rates.at(iteration);
  Cloud cloud = before.cloud;
  for (size_t g = 0; g < Cloud::kGroups; ++g) {
    const Tensor d = gradients[g].defined() ? gradients[g] : torch::zeros_like(x[g]);
    const Tensor m = 0.9 * before.adam.m[g].to(torch::kDouble) + 0.1 * d;
    const Tensor v = 0.999 * before.adam.v[g].to(torch::kDouble) + 0.001 * d.square();
    const auto n = static_cast<double>(adam.steps);
    const Tensor mean = m / (1 - std::pow(0.9, n)), variance = v / (1 - std::pow(0.999, n));
    adam.m[g] = m.to(torch::kFloat);
    adam.v[g] = v.to(torch::kFloat);
    *cloud.parameters()[g] = (x[g] - rates[g] * mean / (variance.sqrt() + 1e-15)).to(torch::kFloat);
    if (report.densify.total > 0) continue;  // rows moved
    const std::string name = Cloud::kNames[g];
    const Tensor found = (model.adam.m[g].to(torch::kDouble) - 0.9 * before.adam.m[g].to(torch::kDouble)) / 0.1;
    if (g == kOpacityLogits && model.adam.m[g].count_nonzero().item<int64_t>() == 0) continue;  // opacities were reset
    if (d.norm().item<double>() > 0) {
      expect_near(found, d, kLimit, "dL/d" + name);
    } else {
      EXPECT_LT(found.norm().item<double>(), 1e-6) << "dL/d" << name << " is 0";
    }
    expect_near(*model.cloud.parameters()[g] - *before.cloud.parameters()[g], *cloud.parameters()[g] - x[g], kLimit,
                "Adam's change of " + name);
  }

  optim::DensifyStats counted{.gradient_sum = stats.gradient_sum.to(torch::kFloat),
                              .gradient_count = stats.gradient_count.to(torch::kFloat),
                              .max_radii = stats.max_radii};
  optim::DensifyReport densify;
  const bool densified =
      optim::densify_if_due(cloud, adam, counted, around.options.densify, iteration, around.options.seed, &densify);
  EXPECT_EQ(report.densified, densified);
  EXPECT_EQ(report.densify.cloned, densify.cloned);
  EXPECT_EQ(report.densify.split, densify.split);
  EXPECT_EQ(report.densify.pruned, densify.pruned);
  EXPECT_EQ(report.densify.total, densify.total);
  EXPECT_EQ(model.adam.steps, adam.steps);
  for (size_t g = 0; g < Cloud::kGroups; ++g) {
    const std::string name = Cloud::kNames[g];
    expect_near(*model.cloud.parameters()[g], *cloud.parameters()[g], kImageLimit, name);
    expect_near(model.adam.m[g], adam.m[g], kLimit, "Adam's first moments of " + name);
    expect_near(model.adam.v[g], adam.v[g], kLimit, "Adam's second moments of " + name);
  }
  expect_near(model.stats.gradient_sum, counted.gradient_sum, kLimit, "the views' gradients for densification");
  EXPECT_TRUE(model.stats.gradient_count.equal(counted.gradient_count)) << "the views counted for densification";
  EXPECT_TRUE(model.stats.max_radii.equal(counted.max_radii)) << "the largest radii for densification";
  return result;
}

Compared compare_step_with(const TrainOptions& options, double score = 1, int64_t iteration = kIteration) {
  Surroundings around(options);
  around.score.scale = score;
  Model model = some_model(iteration - 1);
  if (options.mip_filter) model.cloud.screen_filter = render::Filter::kMip;
  return compare_step(around, model);
}

// ---- The tests.

TEST(WholeStep, ColoursThroughTheEncoderFromTheScore) {
  const Compared step = compare_step_with(score_alone());
  EXPECT_FALSE(step.wanted.flip);
  EXPECT_FALSE(step.report.as_latent);
  EXPECT_EQ(step.report.timestep, step.wanted.t_index + 7);
  EXPECT_TRUE(step.report.x0_uncond.equal(step.report.latents + 1));
  EXPECT_TRUE(step.report.x0_guided.equal(step.report.latents + 2));
}

TEST(WholeStep, MirroredColours) {
  TrainOptions options = score_alone();
  options.augment.flip_ratio = 1;
  const Compared step = compare_step_with(options);
  EXPECT_TRUE(step.wanted.flip);
}

TEST(WholeStep, ClampedColours) {
  TrainOptions options = score_alone();
  options.loss.clamp_rgb = true;
  const Compared step = compare_step_with(options);
  EXPECT_GT((step.wanted.rgb > 1).sum().item<int64_t>(), 100) << "nothing was clamped";
}

TEST(WholeStep, DisparityInPlaceOfColours) {
  TrainOptions options = score_alone();
  options.loss.as_latent_ratio = 1;
  const Compared step = compare_step_with(options);
  EXPECT_TRUE(step.report.as_latent);
  EXPECT_GT(step.wanted.disparity.std().item<double>(), 0.1);
}

TEST(WholeStep, MirroredDisparity) {
  TrainOptions options = score_alone();
  options.loss.as_latent_ratio = options.augment.flip_ratio = 1;
  EXPECT_TRUE(compare_step_with(options).report.as_latent);
}

TEST(WholeStep, DisparityBeforeGeoIter) {
  TrainOptions options = score_alone();
  options.loss.geo_iter = kIteration + 1;
  EXPECT_TRUE(compare_step_with(options).report.as_latent);
  options.loss.geo_iter = kIteration;
  EXPECT_FALSE(compare_step_with(options).report.as_latent);
}

TEST(WholeStep, TotalVariationOfColoursAndDisparity) {
  TrainOptions options = score_alone();
  options.loss.lambda_tv = 0.7;
  compare_step_with(options, /*score=*/0);
}

TEST(WholeStep, HazeTerm) {
  TrainOptions options = score_alone();
  options.loss.lambda_alpha = 30;
  compare_step_with(options, /*score=*/0);
}

TEST(WholeStep, ScaleTermIsTheMeanOfAllScales) {
  TrainOptions options = score_alone();
  options.loss.lambda_scale = 0.8;
  options.augment.scale_aug_ratio = 1;  // the term is of the scales without their augmentation
  compare_step_with(options, /*score=*/0);
}

TEST(WholeStep, Backgrounds) {
  TrainOptions options = score_alone();
  options.augment.bg_aug_ratio = 0.8;
  options.batch = 8;
  const Compared step = compare_step_with(options);
  int white = 0, black = 0;
  for (const ExactView& view : step.wanted.views) {
    white += view.background == std::array<double, 3>{1, 1, 1} ? 1 : 0;
    black += view.background == std::array<double, 3>{0, 0, 0} ? 1 : 0;
  }
  EXPECT_GT(white, 0);
  EXPECT_GT(black, 0);
  EXPECT_LT(white + black, 8) << "no random colour";
}

TEST(WholeStep, AugmentedScales) {
  TrainOptions options = score_alone();
  options.augment.scale_aug_ratio = 1;
  compare_step_with(options);
}

TEST(WholeStep, AugmentedSphericalHarmonics) {
  TrainOptions options = score_alone();
  options.augment.shs_aug_ratio = 1;
  compare_step_with(options);
}

TrainOptions everything() {
  TrainOptions options = score_alone();
  options.use_progressive = true;
  options.augment = {
      .bg_aug_ratio = 0.7, .scale_aug_ratio = 0.8, .sh_deg_aug_ratio = 0.4, .shs_aug_ratio = 0.6, .flip_ratio = 0.5};
  options.loss = {
      .lambda_tv = 0.6, .lambda_scale = 0.7, .lambda_alpha = 0.8, .clamp_rgb = true, .as_latent_ratio = 0.4};
  options.densify.densification_interval = 2;
  options.densify.densify_grad_threshold = 0.02;
  options.densify.max_gaussians = 60;
  return options;
}

TEST(WholeStep, TheMipFilter) {
  TrainOptions options = score_alone();
  options.mip_filter = true;
  compare_step_with(options);
}

TEST(WholeStep, The3DFilterUnderAugmentedScales) {
  TrainOptions options = score_alone();
  options.filter_3d = 9;  // about as wide as the Gaussians
  options.augment.scale_aug_ratio = 1;
  compare_step_with(options);
}

TEST(WholeStep, The3DFilterIsComputedEvery100StepsAndForNewRows) {
  TrainOptions options = score_alone();
  options.filter_3d = 0.2;
  Surroundings around(options);
  Model model = some_model(kIteration - 1);
  gaussians::ViewRenderer renderer(torch::kCPU);
  const auto next = [&] {
    training_step(around.scene(), model, renderer);
    return model.cloud.filter_3d;
  };
  const Tensor first = next();
  EXPECT_TRUE(next().is_same(first));
  model.iteration = kIteration + 98;
  EXPECT_TRUE(next().is_same(first));
  const Tensor second = next();
  EXPECT_FALSE(second.equal(first)) << "step 800";
  around.options.densify = everything().densify;  // at every second step
  around.options.densify.densify_grad_threshold = 0;
  next();
  const Tensor grown = next();
  EXPECT_EQ(grown.size(0), model.cloud.count());
  EXPECT_NE(model.cloud.count(), kGaussians) << "no row was added or removed";
}

TEST(WholeStep, TheDegreeOfSphericalHarmonicsGrowsEvery500Steps) {
  EXPECT_EQ(compare_step_with(score_alone(), 1, 499).wanted.views[0].degree, 0);
  EXPECT_EQ(compare_step_with(score_alone(), 1, 500).wanted.views[0].degree, 1);
  EXPECT_EQ(compare_step_with(score_alone(), 1, 2000).wanted.views[0].degree, 2) << "and stops at sh_degree";
  TrainOptions options = score_alone();
  options.augment.sh_deg_aug_ratio = 1;
  EXPECT_EQ(compare_step_with(options, 1, 2000).wanted.views[0].degree, 0);
}

TEST(WholeStep, CamerasWidenWithProgress) {
  TrainOptions options = score_alone();
  options.use_progressive = true;
  const Compared widened = compare_step_with(options);
  options.use_progressive = false;
  EXPECT_NE(compare_step_with(options).wanted.views[0].camera.radius, widened.wanted.views[0].camera.radius);
}

TEST(WholeStep, EveryViewCountsForDensification) {
  TrainOptions options = score_alone();
  options.batch = 4;
  const Compared step = compare_step_with(options);  // which compares the statistics
  for (const ExactView& view : step.wanted.views) {
    EXPECT_GT(view.d_means2d.norm().item<double>(), 1e-3) << "this view would not be missed";
    EXPECT_GT((view.radii > 0).sum().item<int64_t>(), kGaussians / 2);
  }
}

TEST(WholeStep, DensifiesAfterAdamWhenDue) {
  TrainOptions options = score_alone();
  options.densify.densification_interval = 350;
  options.densify.densify_grad_threshold = 0.02;
  options.densify.percent_dense = 0.06;
  options.densify.min_opacity = 0.25;
  const Compared step = compare_step_with(options);
  EXPECT_TRUE(step.report.densified);
  EXPECT_GT(step.report.densify.cloned, 0);
  EXPECT_GT(step.report.densify.split, 0);
  EXPECT_GT(step.report.densify.pruned, 0);
}

TEST(WholeStep, ResetsOpacitiesWhenDue) {
  TrainOptions options = score_alone();
  options.densify.opacity_reset_interval = 350;
  Surroundings around(options);
  Model model = some_model(kIteration - 1);
  compare_step(around, model);
  EXPECT_LE(model.cloud.opacity_logits.sigmoid().max().item<double>(), 0.01001);
}

TEST(WholeStep, TheScoreIsToldItsViewsTimeAndPrompts) {
  Surroundings around(score_alone());
  around.options.vis_interval = 350;
  Model model = some_model(kIteration - 1);
  const Compared step = compare_step(around, model);
  const distill::ScoreInput& input = around.score.last;
  EXPECT_EQ(input.prompts, &around.prompts);
  EXPECT_EQ(input.iteration, kIteration);
  EXPECT_EQ(input.t_index, step.wanted.t_index);
  EXPECT_FALSE(input.latents.requires_grad());
  ASSERT_EQ(input.views.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    const Camera& camera = step.wanted.views[i].camera;
    EXPECT_EQ(input.views[i].azimuth, camera.phi);
    EXPECT_EQ(input.views[i].elevation, 90 - camera.theta);
    EXPECT_NE(camera.theta, 90);
  }
  EXPECT_TRUE(around.score.wanted_sheet) << "700 is a multiple of 350";
  compare_step(around, model);
  EXPECT_FALSE(around.score.wanted_sheet);
  model.iteration = 0;
  compare_step(around, model);
  EXPECT_TRUE(around.score.wanted_sheet) << "the first step";
  around.options.vis_interval = 0;
  model.iteration = 0;
  compare_step(around, model);
  EXPECT_FALSE(around.score.wanted_sheet) << "never";
}

TEST(WholeStep, ControlImagesAreTheDisparityOrThoseOfTheScene) {
  for (const double flip : {0, 1}) {
    SCOPED_TRACE(flip);
    Surroundings around(score_alone());
    around.options.augment.flip_ratio = flip;
    Model model = some_model(kIteration - 1);
    compare_step(around, model);
    EXPECT_FALSE(around.denoiser.control_images.defined()) << "it needs none";

    around.denoiser.wants_control_images = true;
    const Compared step = compare_step(around, model);
    expect_near(around.denoiser.control_images, step.wanted.disparity.expand({-1, 3, -1, -1}), kLimit,
                "the render's own");

    const Tensor given = torch::rand({2, 1, kHeight, kWidth});
    std::vector<Camera> asked;
    around.shown = [&](const std::vector<Camera>& cameras) { return asked = cameras, given; };
    const Compared other = compare_step(around, model);
    EXPECT_TRUE(around.denoiser.control_images.equal((flip > 0 ? given.flip({3}) : given).expand({-1, 3, -1, -1})));
    ASSERT_EQ(asked.size(), 2u);
    EXPECT_EQ(asked[1].camera_from_world, other.wanted.views[1].camera.camera_from_world);
  }
}

TEST(WholeStep, EverythingAtOnceForSixSteps) {
  Surroundings around(everything());
  Model model = some_model(kIteration - 1);
  int flipped = 0, as_latent = 0;
  for (int i = 0; i < 6; ++i) {
    SCOPED_TRACE(i);
    const Compared step = compare_step(around, model);
    flipped += step.wanted.flip ? 1 : 0;
    as_latent += step.wanted.as_latent ? 1 : 0;
  }
  EXPECT_GT(model.cloud.count(), kGaussians);
  EXPECT_GT(flipped, 0);
  EXPECT_LT(flipped, 6);
  EXPECT_GT(as_latent, 0);
  EXPECT_LT(as_latent, 6);
}

/// The composition above against differences of its own loss. The score and the encoder are left out: they are float32.
TEST(WholeStep, TheComparisonsGradientIsThatOfItsLoss) {
  TrainOptions options = everything();
  Surroundings around(options);
  around.score.scale = 0;
  Parameters x = exact(some_model(0).cloud);
  for (Tensor& parameter : x) parameter.requires_grad_(true);
  const ExactStep step = exact_step(around, x, kIteration);
  const auto gradients = torch::autograd::grad({step.loss}, {x.begin(), x.end()});
  const torch::NoGradGuard no_grad;
  for (size_t g = 0; g < Cloud::kGroups; ++g) {
    const Tensor way = torch::randn(x[g].sizes(), torch::kDouble);
    const auto loss_at = [&](double h) {
      Parameters moved = x;
      moved[g] = x[g] + h * way;
      return exact_step(around, moved, kIteration).loss.item<double>();
    };
    constexpr double kStep = 1e-7;
    const double found = (gradients[g] * way).sum().item<double>();
    EXPECT_NEAR(found, (loss_at(kStep) - loss_at(-kStep)) / (2 * kStep), 1e-4 * gradients[g].norm().item<double>())
        << Cloud::kNames[g];
  }
}

}  // namespace
}  // namespace lucid::train
