// SPDX-License-Identifier: Apache-2.0
// Score Distillation Sampling (Poole et al. 2022, "DreamFusion"): the target is the fresh noise itself. The baseline
// that ISM is compared with.
#include "lucid/distill/noised.h"

namespace lucid::distill {
namespace {

class Sds final : public Distiller {
 public:
  explicit Sds(const ScoreOptions& options) : options_(options) {}

  ScoreOutput score(diffusion::Denoiser& unet, const diffusion::Schedule& schedule, const ScoreInput& input,
                    NoiseSource& noise) const override {
    const torch::NoGradGuard no_grad;  // the gradient does not go back through the U-Net
    // x_t = sqrt(a_t) x_0 + sqrt(1-a_t) eps; the offset noise is part of eps, and so of the target.
    const Noised noised = predict_noised(options_, unet, schedule, input, noise);

    // grad L_SDS = lambda omega(t) (eps_phi(x_t, t, y) - eps) dg/dtheta. A v prediction is converted to eps first; the
    // reference subtracts the noise from v.
    ScoreOutput output;
    set_gradient(output, options_, omega(schedule, noised.t),
                 schedule.predicted_epsilon(noised.x_t, noised.guided.guided, noised.t) - noised.eps);
    report(output, *this, options_, schedule, noised);
    if (want_sheet) {  // as in the reference, at the s that ISM would take
      const int64_t offset = schedule.config().steps_offset;
      const int64_t s = plan_times(options_, input.iteration, input.t_index, offset).s_index + offset;
      fill_contact_sheet(output, options_, schedule, noised.guided,
                         schedule.add_noise(input.latents.to(torch::kFloat), noised.eps, s), s);
    }
    return output;
  }

 private:
  ScoreOptions options_;
};

}  // namespace

std::unique_ptr<Distiller> make_sds(const ScoreOptions& options) { return std::make_unique<Sds>(options); }

}  // namespace lucid::distill
