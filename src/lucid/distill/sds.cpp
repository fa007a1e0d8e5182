// SPDX-License-Identifier: Apache-2.0
// Score Distillation Sampling (Poole et al. 2022, "DreamFusion"): the target is the fresh noise itself. The baseline
// that ISM is compared with.
#include "lucid/distill/guidance.h"

namespace lucid::distill {
namespace {

using torch::Tensor;

class Sds final : public Distiller {
 public:
  explicit Sds(const ScoreOptions& options) : options_(options) {}

  ScoreOutput score(diffusion::Denoiser& unet, const diffusion::Schedule& schedule, const ScoreInput& input,
                    NoiseSource& noise) const override {
    const torch::NoGradGuard no_grad;  // the gradient does not go back through the U-Net
    const Tensor x_0 = input.latents.to(torch::kFloat);
    const int64_t steps_offset = schedule.config().steps_offset;
    const StepTimes ism_times = plan_times(options_, input.iteration, input.t_index, steps_offset);
    const int64_t t = ism_times.t();

    ScoreOutput output;
    output.times = {
        .delta_t = ism_times.delta_t, .t_index = input.t_index, .s_index = -1, .start_index = -1, .visited = {t}};

    // x_t = sqrt(a_t) x_0 + sqrt(1-a_t) eps; the offset noise is part of eps, and so of the target.
    const Tensor eps = draw_noise(noise, x_0);
    const Tensor x_t = schedule.add_noise(x_0, eps, t);

    // grad L_SDS = lambda omega(t) (eps_phi(x_t, t, y) - eps) dg/dtheta. A v prediction is converted to eps first; the
    // reference subtracts the noise from v.
    const Guided guided = guide(options_, unet, schedule, input, x_t, t);
    set_gradient(output, options_, omega(schedule, t), schedule.predicted_epsilon(x_t, guided.guided, t) - eps);

    if (want_sheet) {
      const int64_t s = ism_times.s_index + steps_offset;  // used by the contact sheet only
      fill_contact_sheet(output, options_, schedule, guided, schedule.add_noise(x_0, eps, s), s);
    }
    if (want_trace) {
      output.trace.x_t = x_t;
      output.trace.eps_s = eps;
      output.trace.eps = guided.eps;
      output.trace.delta = guided.delta;
      output.trace.eps_guided = guided.guided;
    }
    return output;
  }

 private:
  ScoreOptions options_;
};

}  // namespace

std::unique_ptr<Distiller> make_sds(const ScoreOptions& options) { return std::make_unique<Sds>(options); }

}  // namespace lucid::distill
