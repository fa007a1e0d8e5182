// SPDX-License-Identifier: Apache-2.0
// Noising of the latents, the predictions there, and their report.
#include "lucid/distill/noised.h"

namespace lucid::distill {

using torch::Tensor;

Noised predict_noised(const ScoreOptions& options, diffusion::Denoiser& unet, const diffusion::Schedule& schedule,
                      const ScoreInput& input, NoiseSource& noise) {
  const Tensor x_0 = input.latents.to(torch::kFloat);
  Noised result;
  result.t = input.t_index + schedule.config().steps_offset;
  result.eps = draw_noise(noise, x_0);
  result.x_t = schedule.add_noise(x_0, result.eps, result.t);
  result.guided = guide(options, unet, schedule, input, result.x_t, result.t);
  return result;
}

Tensor predict_empty(diffusion::Denoiser& unet, const diffusion::Schedule& schedule, const ScoreInput& input,
                     const Tensor& x_t, int64_t t) {
  return predict_each(unet, schedule, x_t, t, *input.prompts, {input.prompts->inverse_weights()})[0];
}

double noise_variance(const diffusion::Schedule& schedule, int64_t t) { return 1 - schedule.alpha_bar(t); }

void report(ScoreOutput& output, const Distiller& distiller, const ScoreOptions& options,
            const diffusion::Schedule& schedule, const Noised& noised) {
  output.times = {
      .t_index = noised.t - schedule.config().steps_offset, .s_index = -1, .start_index = -1, .visited = {noised.t}};
  if (distiller.want_sheet) fill_contact_sheet(output, options, schedule, noised.guided, noised.x_t, noised.t);
  if (distiller.want_trace) {
    output.trace.x_t = noised.x_t;
    output.trace.eps_s = noised.eps;
    output.trace.eps = noised.guided.eps;
    output.trace.delta = noised.guided.delta;
    output.trace.eps_guided = noised.guided.guided;
  }
}

}  // namespace lucid::distill
