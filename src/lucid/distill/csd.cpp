// SPDX-License-Identifier: Apache-2.0
// Classifier Score Distillation (Yu et al. 2023) and Noise-Free Score Distillation (Katzir et al. 2023): what the
// prompt adds to the prediction, without the noise that SDS subtracts.
#include <algorithm>

#include "lucid/distill/noised.h"

namespace lucid::distill {
namespace {

using torch::Tensor;

/// The three predictions that both scores are made of, as noise, [B,C,h,w]. Perp-Neg and view guidance are part of the
/// prompt's.
struct PromptParts {
  Noised noised;
  Tensor prompt, negative, empty;

  PromptParts(const ScoreOptions& options, diffusion::Denoiser& unet, const diffusion::Schedule& schedule,
              const ScoreInput& input, NoiseSource& noise)
      : noised(predict_noised(options, unet, schedule, input, noise)) {
    const auto as_noise = [&](const Tensor& raw) { return schedule.predicted_epsilon(noised.x_t, raw, noised.t); };
    const Tensor raw_negative = noised.guided.eps[0];
    negative = as_noise(raw_negative);
    prompt = as_noise(raw_negative + noised.guided.delta);
    empty = as_noise(predict_empty(unet, schedule, input, noised.x_t, noised.t));
  }
};

class Csd final : public Distiller {
 public:
  explicit Csd(const ScoreOptions& options) : options_(options) {}

  ScoreOutput score(diffusion::Denoiser& unet, const diffusion::Schedule& schedule, const ScoreInput& input,
                    NoiseSource& noise) const override {
    const torch::NoGradGuard no_grad;  // the gradient does not go back through the U-Net
    const PromptParts e(options_, unet, schedule, input, noise);
    // The reference prediction moves from the empty prompt to the negative one.
    const double steps = static_cast<double>(options_.csd_steps > 0 ? options_.csd_steps : options_.warmup_iter);
    const double b = options_.csd_negative * std::min(static_cast<double>(input.iteration) / steps, 1.0);
    ScoreOutput output;
    set_gradient(output, options_, noise_variance(schedule, e.noised.t), e.prompt - b * e.negative - (1 - b) * e.empty);
    report(output, *this, options_, schedule, e.noised);
    return output;
  }

 private:
  ScoreOptions options_;
};

class Nfsd final : public Distiller {
 public:
  explicit Nfsd(const ScoreOptions& options) : options_(options) {}

  ScoreOutput score(diffusion::Denoiser& unet, const diffusion::Schedule& schedule, const ScoreInput& input,
                    NoiseSource& noise) const override {
    const torch::NoGradGuard no_grad;  // the gradient does not go back through the U-Net
    const PromptParts e(options_, unet, schedule, input, noise);
    // At small t the prediction for an image off the prior's manifold is mostly the domain correction, no noise.
    constexpr double kSmallTime = 0.2;
    const bool small =
        static_cast<double>(e.noised.t) < kSmallTime * static_cast<double>(schedule.config().num_train_timesteps);
    const Tensor correction = small ? e.empty : e.empty - e.negative;
    ScoreOutput output;
    set_gradient(output, options_, noise_variance(schedule, e.noised.t),
                 options_.guidance_scale * (e.prompt - e.empty) + correction);
    report(output, *this, options_, schedule, e.noised);
    return output;
  }

 private:
  ScoreOptions options_;
};

}  // namespace

std::unique_ptr<Distiller> make_csd(const ScoreOptions& options) { return std::make_unique<Csd>(options); }
std::unique_ptr<Distiller> make_nfsd(const ScoreOptions& options) { return std::make_unique<Nfsd>(options); }

}  // namespace lucid::distill
