// SPDX-License-Identifier: Apache-2.0
// Score Distillation via Inversion (Lukoianov et al. 2024, "Score Distillation via Reparametrized DDIM"): the noise is
// not drawn but found by inverting the rendered image with the prompt, at a negative guidance scale.
#include <algorithm>
#include <cmath>

#include "lucid/base/error.h"
#include "lucid/distill/guidance.h"

namespace lucid::distill {
namespace {

using torch::Tensor;

/// The timesteps of the inversion to t: one stride below steps_offset (there x_t = x_0 almost), steps_offset, and on in
/// strides of T / steps below t; then t plus a random part of a stride, at most T - 1.
std::vector<int64_t> inversion_timesteps(int64_t t, int64_t steps, double uniform,
                                         const diffusion::ScheduleConfig& config) {
  const int64_t last = config.num_train_timesteps - 1,
                stride = std::max<int64_t>(config.num_train_timesteps / steps, 1);
  std::vector<int64_t> visited{config.steps_offset - stride};
  for (int64_t next = config.steps_offset; next < t; next += stride) visited.push_back(next);
  visited.push_back(std::min(t + static_cast<int64_t>(uniform * static_cast<double>(stride)), last));
  return visited;
}

class Sdi final : public Distiller {
 public:
  explicit Sdi(const ScoreOptions& options) : final_(options), inversion_(options) {
    inversion_.guidance_scale = options.sdi_guidance;
    // Without Perp-Neg its guidance is eps_y + g (eps_y - eps_n), which is g + 1 in the usual form.
    if (!options.perpneg) {
      final_.guidance_scale += 1;
      inversion_.guidance_scale += 1;
    }
  }

  ScoreOutput score(diffusion::Denoiser& unet, const diffusion::Schedule& schedule, const ScoreInput& input,
                    NoiseSource& noise) const override {
    const torch::NoGradGuard no_grad;  // the gradient does not go back through the U-Net
    const Tensor x_0 = input.latents.to(torch::kFloat);
    LUCID_CHECK(noise.uniform, "SDI draws a uniform number");
    const int64_t t = input.t_index + schedule.config().steps_offset;
    ScoreOutput output;
    output.times = {.t_index = input.t_index,
                    .s_index = -1,
                    .start_index = -1,
                    .visited = inversion_timesteps(t, final_.sdi_steps, noise.uniform(), schedule.config())};

    // DDIM inversion with the prompt. Each stride adds noise of DDIM's variance (equation 16 of that paper) times
    // eta^2.
    Tensor x = x_0;
    std::vector<Tensor> trajectory;  // raw predictions
    const std::vector<int64_t>& visited = output.times.visited;
    for (size_t i = 0; i + 1 < visited.size(); ++i) {
      const auto [from, to] = std::pair(visited[i], visited[i + 1]);
      const Guided step = guide(inversion_, unet, schedule, input, x, from);
      const double a = schedule.alpha_bar(from), a_to = schedule.alpha_bar(to);
      const double deviation = final_.sdi_eta * std::sqrt((1 - a) / (1 - a_to) * (1 - a_to / a));
      x = schedule.add_noise(schedule.predicted_x0(x, step.guided, from),
                             schedule.predicted_epsilon(x, step.guided, from), to);
      if (deviation > 0) x = x + deviation * noise.eta(x.sizes()).to(x.device());
      trajectory.push_back(step.eps);
    }
    output.times.visited.back() = t;  // as in its code: the latents of t plus the random part are used as those of t

    // grad = lambda (x_0 - x_0 predicted at x_t).
    const Guided guided = guide(final_, unet, schedule, input, x, t);
    set_gradient(output, final_, 1, x_0 - schedule.predicted_x0(x, guided.guided, t));

    if (want_sheet) fill_contact_sheet(output, final_, schedule, guided, x, t);
    if (want_trace) {
      trajectory.push_back(guided.eps);
      output.trace.x_t = x;
      output.trace.eps = guided.eps;
      output.trace.eps_guided = guided.guided;
      output.trace.traj_eps = trajectory;
    }
    return output;
  }

 private:
  ScoreOptions final_, inversion_;
};

}  // namespace

std::unique_ptr<Distiller> make_sdi(const ScoreOptions& options) { return std::make_unique<Sdi>(options); }

}  // namespace lucid::distill
