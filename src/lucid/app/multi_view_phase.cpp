// SPDX-License-Identifier: Apache-2.0
// Opens the multi-view prior of a run with two priors, and makes its scene from the run's.
#include "lucid/app/multi_view_phase.h"

#include <cmath>

#include "lucid/app/options.h"
#include "lucid/app/prior.h"
#include "lucid/app/run/texts.h"
#include "lucid/base/error.h"

namespace lucid::app {
namespace {

/// What concerns the prior that ends the run.
RunOptions without_adapters(RunOptions options) {
  options.lora_path.clear();
  options.controlnet.clear();
  options.prediction_type = "auto";
  return options;
}

/// The run's options for training, with those that may differ from one prior to the other.
train::TrainOptions for_phase(train::TrainOptions main, const train::TrainOptions& own) {
  main.batch = own.batch;
  main.use_progressive = own.use_progressive;
  main.views = own.views;
  main.views.joint_views = kJointViews;
  main.augment = own.augment;
  main.loss = own.loss;
  main.score = own.score;
  return main;
}

}  // namespace

void check_sizes(const train::TrainOptions& options, const text_to_image::Prior& prior) {
  const int64_t unit = prior.vae->config().downscale();
  for (const auto& [key, size] :
       {std::pair{"image_w", options.views.width}, std::pair{"image_h", options.views.height}}) {
    if (size % unit != 0) {
      throw UserError(
          {.what_happened = fmt::format("{} is not a multiple of {}, the prior's pixels per latent", size, unit),
           .key = key});
    }
  }
}

void check_joint_views(const train::TrainOptions& options, const text_to_image::Prior& prior) {
  const int64_t joint = prior.unet->config().views;
  if (joint == options.views.joint_views) return;
  throw UserError(
      {.what_happened = fmt::format("draws {} views at once, which its name or its first tensors did not tell", joint),
       .file = prior.folder.string(),
       .hint = "save it anew as safetensors or as a torch file"});
}

MultiViewPhase::MultiViewPhase(std::unique_ptr<BoundOptions> bound, const RunOptions& main)
    : bound_(std::move(bound)),
      train_(for_phase(main.train, bound_->options.train)),
      steps_(std::llround(main.multi_view_share * static_cast<double>(main.train.iterations))),
      prior_(open_prior(without_adapters(bound_->options))),
      prompts_(run_prompts(prior_, bound_->options)),
      distiller_(distill::make_distiller(train_.score)) {
  prior_.encoder = nullptr;
  check_joint_views(train_, prior_);
  check_sizes(train_, prior_);
  denoiser_.emplace(prior_.unet, compute_options(main));
  encoder_.emplace(prior_.vae, compute_options(main));
}

std::unique_ptr<MultiViewPhase> MultiViewPhase::open(const RunOptions& options, const config::OptionTable& table) {
  if (!has_two_priors(options)) return nullptr;
  auto bound = multi_view_options(table);
  check_joint_steps(bound->options.train);
  return std::unique_ptr<MultiViewPhase>(new MultiViewPhase(std::move(bound), options));
}

train::Scene MultiViewPhase::before(train::Scene scene) {
  scene_.emplace(train::Scene{.options = train_,
                              .prior = prior_,
                              .encoder = *encoder_,
                              .denoiser = *denoiser_,
                              .prompts = prompts_,
                              .distiller = *distiller_,
                              .device = scene.device,
                              .waits_by_stage = scene.waits_by_stage});
  scene.first = &*scene_;
  scene.first_steps = steps_;
  return scene;
}

void MultiViewPhase::release() {
  denoiser_.reset();
  encoder_.reset();
  prior_.unet = nullptr;
  prior_.vae = nullptr;
}

}  // namespace lucid::app
