// SPDX-License-Identifier: Apache-2.0
// DDIM inversion of the rendered image, in the strides of plan_times().
#include "lucid/distill/inversion.h"

#include <algorithm>
#include <cmath>

namespace lucid::distill {
namespace {

using torch::Tensor;

struct Stride {
  int64_t from, to;  // timesteps
  double eta;        // xs_eta
};

// A stochastic inversion stride, with eta > 0. DDIM's sigma^2 is negative for ascending timesteps. The reference takes
// its absolute value, scales it by eta (DDIM: eta^2), and limits it to half of the target's noise variance.
Tensor noisy_stride(const diffusion::Schedule& schedule, const Tensor& x, const Tensor& output, const Stride& stride,
                    const Tensor& noise) {
  const double a = schedule.alpha_bar(stride.from), a_to = schedule.alpha_bar(stride.to);
  const double ddim_variance = std::abs((1 - a_to) / (1 - a) * (1 - a / a_to));
  const double variance = std::min((1 - a_to) / 2, stride.eta * ddim_variance);
  return std::sqrt(a_to) * schedule.predicted_x0(x, output, stride.from) +
         std::sqrt(1 - a_to - variance) * schedule.predicted_epsilon(x, output, stride.from) +
         std::sqrt(variance) * noise.to(x.device());
}

}  // namespace

Tensor inverse_prediction(const ScoreOptions& options, diffusion::Denoiser& unet, const diffusion::Schedule& schedule,
                          const ScoreInput& input, const Tensor& x, int64_t t) {
  const double g = options.denoise_guidance_scale;
  const text_to_image::ViewPrompts& prompts = *input.prompts;
  if (g <= 1) return predict_each(unet, schedule, x, t, prompts, {prompts.inverse_weights()})[0];
  const Tensor both =
      predict_each(unet, schedule, x, t, prompts, {prompts.negative_weights(), prompts.inverse_weights()});
  return both[1] + g * (both[0] - both[1]);
}

Inversion invert(const ScoreOptions& options, diffusion::Denoiser& unet, const diffusion::Schedule& schedule,
                 const ScoreInput& input, NoiseSource& noise) {
  const Tensor x_0 = input.latents.to(torch::kFloat);
  Inversion result;
  // s = t - delta_T, and the timesteps of the inversion: start, strides of delta_S, s, t.
  result.times = plan_times(options, input.iteration, input.t_index, schedule.config().steps_offset);
  const std::vector<int64_t>& visited = result.times.visited;
  result.s = visited[visited.size() - 2];
  result.t = visited.back();

  // x_0 -> x_s with eps_phi(., ., 0), in coarse strides of delta_S.
  result.x_start = schedule.add_noise(x_0, draw_noise(noise, x_0), visited.front());
  Tensor x_s = result.x_start;
  for (size_t i = 0; i + 2 < visited.size(); ++i) {
    if (visited[i] == result.s) continue;  // a stride of length 0 changes nothing; its prediction would be eps_s below
    result.traj_eps.push_back(inverse_prediction(options, unet, schedule, input, x_s, visited[i]));
    const Tensor& eps = result.traj_eps.back();
    x_s = options.xs_eta > 0
              ? noisy_stride(schedule, x_s, eps, {visited[i], visited[i + 1], options.xs_eta}, noise.eta(x_s.sizes()))
              : schedule.ddim_step(x_s, eps, visited[i], visited[i + 1]);
  }
  result.x_s = x_s;

  // One stride of delta_T, x_s -> x_t: x_0^s = (x_s - sqrt(1-a_s) eps_s) / sqrt(a_s), x_t = sqrt(a_t) x_0^s +
  // sqrt(1-a_t) eps_s.
  result.eps_s = inverse_prediction(options, unet, schedule, input, x_s, result.s);
  result.x_t = schedule.ddim_step(x_s, result.eps_s, result.s, result.t);
  result.traj_eps.resize(visited.size() - 1, result.eps_s);  // at s, and for the stride of length 0 if there was one
  return result;
}

}  // namespace lucid::distill
