// SPDX-License-Identifier: Apache-2.0
// Asynchronous Score Distillation (Ma et al. 2024, "ScaleDreamer"): the target is the prior's own prediction at a
// larger timestep, where VSD would train a second network.
#include <algorithm>

#include "lucid/base/error.h"
#include "lucid/distill/noised.h"

namespace lucid::distill {
namespace {

using torch::Tensor;

class Asd final : public Distiller {
 public:
  explicit Asd(const ScoreOptions& options) : options_(options) {}

  ScoreOutput score(diffusion::Denoiser& unet, const diffusion::Schedule& schedule, const ScoreInput& input,
                    NoiseSource& noise) const override {
    const torch::NoGradGuard no_grad;  // the gradient does not go back through the U-Net
    const Noised noised = predict_noised(options_, unet, schedule, input, noise);
    const int64_t t = noised.t, later = shifted(t, input.iteration, schedule.config().num_train_timesteps, noise);

    // The view's own prompt, with the same noise, at the later timestep.
    const Tensor x_later = schedule.add_noise(input.latents.to(torch::kFloat), noised.eps, later);
    const text_to_image::ViewPrompts& prompts = *input.prompts;
    const Tensor raw_later =
        predict_each(unet, schedule, x_later, later, prompts, {prompts.view_weights(input.views)})[0];

    ScoreOutput output;
    set_gradient(output, options_, noise_variance(schedule, t),
                 schedule.predicted_epsilon(noised.x_t, noised.guided.guided, t) -
                     schedule.predicted_epsilon(x_later, raw_later, later));
    report(output, *this, options_, schedule, noised);
    return output;
  }

 private:
  /// t plus a (random) share of asd_shift (t - t_low), at most T - 1. t_low is the iteration's lowest timestep.
  int64_t shifted(int64_t t, int64_t iteration, int64_t train_timesteps, const NoiseSource& noise) const {
    const auto low = static_cast<double>(t_index_range(options_, iteration, train_timesteps).low);
    const double room = std::max(static_cast<double>(train_timesteps - 1 - t), 0.0);
    double shift = std::clamp(options_.asd_shift * (static_cast<double>(t) - low), 0.0, room);
    if (options_.asd_random_shift) {
      LUCID_CHECK(noise.uniform, "ASD draws a uniform number");
      shift *= noise.uniform();
    }
    return t + static_cast<int64_t>(shift);
  }

  ScoreOptions options_;
};

}  // namespace

std::unique_ptr<Distiller> make_asd(const ScoreOptions& options) { return std::make_unique<Asd>(options); }

}  // namespace lucid::distill
