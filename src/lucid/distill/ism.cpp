// SPDX-License-Identifier: Apache-2.0
// Interval Score Matching (Liang et al. 2023, "LucidDreamer", Algorithm 1): compares the predictions at two points x_s
// and x_t of one deterministic DDIM inversion of the rendered image, where SDS uses fresh noise.
#include <algorithm>
#include <cmath>
#include <utility>

#include "lucid/distill/guidance.h"

namespace lucid::distill {
namespace {

using torch::Tensor;

class Ism final : public Distiller {
 public:
  explicit Ism(const ScoreOptions& options) : options_(options) {}

  ScoreOutput score(diffusion::Denoiser& unet, const diffusion::Schedule& schedule, const ScoreInput& input,
                    NoiseSource& noise) const override {
    const torch::NoGradGuard no_grad;  // the gradient does not go back through the U-Net
    const Tensor x_0 = input.latents.to(torch::kFloat);

    // s = t - delta_T, and the timesteps of the inversion: start, strides of delta_S, s, t.
    const StepTimes times = plan_times(options_, input.iteration, input.t_index, schedule.config().steps_offset);
    const std::vector<int64_t>& visited = times.visited;
    const int64_t s = visited[visited.size() - 2], t = visited.back();
    ScoreOutput output;
    output.times = times;

    // DDIM inversion x_0 -> x_s with eps_phi(., ., 0), in coarse strides of delta_S. Noise enters once, at the start.
    const Tensor x_start = schedule.add_noise(x_0, draw_noise(noise, x_0), visited.front());
    Tensor x_s = x_start;
    std::vector<Tensor> trajectory;  // eps_phi at each visited timestep but t
    for (size_t i = 0; i + 2 < visited.size(); ++i) {
      if (visited[i] == s) continue;  // a stride of length 0 changes nothing; its prediction would be eps_s below
      trajectory.push_back(inverse_prediction(unet, schedule, input, x_s, visited[i]));
      x_s = options_.xs_eta > 0
                ? noisy_stride(schedule, x_s, trajectory.back(), {visited[i], visited[i + 1]}, noise.eta(x_s.sizes()))
                : schedule.ddim_step(x_s, trajectory.back(), visited[i], visited[i + 1]);
    }

    // One stride of delta_T, x_s -> x_t: x_0^s = (x_s - sqrt(1-a_s) eps_s) / sqrt(a_s), x_t = sqrt(a_t) x_0^s +
    // sqrt(1-a_t) eps_s.
    const Tensor eps_s = inverse_prediction(unet, schedule, input, x_s, s);
    const Tensor x_t = schedule.ddim_step(x_s, eps_s, s, t);

    // eps_phi(x_t, t, y), guided by the negative prompt (and Perp-Neg).
    const Guided guided = guide(options_, unet, schedule, input, x_t, t);

    // grad L_ISM = lambda omega(t) (eps_phi(x_t, t, y) - eps_phi(x_s, s, 0)) dg/dtheta. With v-prediction the
    // difference is that of the raw v, as in the reference.
    set_gradient(output, options_, omega(schedule, t), guided.guided - eps_s);

    if (want_sheet) fill_contact_sheet(output, options_, schedule, guided, x_s, s);
    if (want_trace) {
      trajectory.resize(visited.size() - 1, eps_s);  // at s, and for the stride of length 0 if there was one
      output.trace = {.x_start = x_start,
                      .x_s = x_s,
                      .x_t = x_t,
                      .eps_s = eps_s,
                      .eps = guided.eps,
                      .delta = guided.delta,
                      .eps_guided = guided.guided,
                      .traj_eps = trajectory};
    }
    return output;
  }

 private:
  // A stochastic inversion stride from -> to, with xs_eta > 0. DDIM's sigma^2 is negative for ascending timesteps. The
  // reference takes its absolute value, scales it by eta (DDIM: eta^2), and limits it to half of the target's noise
  // variance.
  Tensor noisy_stride(const diffusion::Schedule& schedule, const Tensor& x, const Tensor& output,
                      std::pair<int64_t, int64_t> stride, const Tensor& noise) const {
    const auto [from, to] = stride;
    const double a = schedule.alpha_bar(from), a_to = schedule.alpha_bar(to);
    const double ddim_variance = std::abs((1 - a_to) / (1 - a) * (1 - a / a_to));
    const double variance = std::min((1 - a_to) / 2, options_.xs_eta * ddim_variance);
    return std::sqrt(a_to) * schedule.predicted_x0(x, output, from) +
           std::sqrt(1 - a_to - variance) * schedule.predicted_epsilon(x, output, from) +
           std::sqrt(variance) * noise.to(x.device());
  }

  // eps_phi(x, t, 0): the prediction for the inverse prompt. With denoise_guidance_scale g > 1 it is guided towards the
  // negative prompt: inverse + g (negative - inverse).
  Tensor inverse_prediction(diffusion::Denoiser& unet, const diffusion::Schedule& schedule, const ScoreInput& input,
                            const Tensor& x, int64_t t) const {
    const double g = options_.denoise_guidance_scale;
    const text_to_image::ViewPrompts& prompts = *input.prompts;
    if (g <= 1) return predict_each(unet, schedule, x, t, prompts, {prompts.inverse_weights()})[0];
    const Tensor both =
        predict_each(unet, schedule, x, t, prompts, {prompts.negative_weights(), prompts.inverse_weights()});
    return both[1] + g * (both[0] - both[1]);
  }

  ScoreOptions options_;
};

}  // namespace

std::unique_ptr<Distiller> make_ism(const ScoreOptions& options) { return std::make_unique<Ism>(options); }

}  // namespace lucid::distill
