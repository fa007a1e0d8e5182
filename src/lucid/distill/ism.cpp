// SPDX-License-Identifier: Apache-2.0
// Interval Score Matching (Liang et al. 2023, "LucidDreamer", Algorithm 1): compares the predictions at two points x_s
// and x_t of one deterministic DDIM inversion of the rendered image, where SDS uses fresh noise. Trajectory Score
// Matching (Miao et al. 2024, "Dreamer XL") takes another first point: x_mu, between s and t, also one stride from x_s.
#include <algorithm>
#include <cmath>

#include "lucid/distill/inversion.h"

namespace lucid::distill {
namespace {

using torch::Tensor;

/// `gamma` of TSM: mu = s + (t - s) sqrt(1 - gamma^2). With gamma = 1 mu is s, which is ISM.
class IntervalScore final : public Distiller {
 public:
  IntervalScore(const ScoreOptions& options, double gamma) : options_(options), gamma_(gamma) {}

  ScoreOutput score(diffusion::Denoiser& unet, const diffusion::Schedule& schedule, const ScoreInput& input,
                    NoiseSource& noise) const override {
    const torch::NoGradGuard no_grad;  // the gradient does not go back through the U-Net
    const Inversion inverted = invert(options_, unet, schedule, input, noise);
    const auto [s, t] = std::pair(inverted.s, inverted.t);
    ScoreOutput output;
    output.times = inverted.times;

    // eps_phi(x_mu, mu, 0), the target.
    const int64_t mu = s + std::llround(static_cast<double>(t - s) * std::sqrt(1 - gamma_ * gamma_));
    const Tensor x_mu = mu == s ? inverted.x_s : schedule.ddim_step(inverted.x_s, inverted.eps_s, s, mu);
    const Tensor eps_mu = mu == s ? inverted.eps_s : inverse_prediction(options_, unet, schedule, input, x_mu, mu);

    // eps_phi(x_t, t, y), guided by the negative prompt (and Perp-Neg).
    const Guided guided = guide(options_, unet, schedule, input, inverted.x_t, t);

    // grad L = lambda omega(t) (eps_phi(x_t, t, y) - eps_phi(x_mu, mu, 0)) dg/dtheta. With v-prediction the difference
    // is that of the raw v, as in the reference.
    set_gradient(output, options_, omega(schedule, t), guided.guided - eps_mu);

    if (want_sheet) fill_contact_sheet(output, options_, schedule, guided, inverted.x_s, s);
    if (want_trace) {
      output.trace = {.x_start = inverted.x_start,
                      .x_s = inverted.x_s,
                      .x_t = inverted.x_t,
                      .eps_s = inverted.eps_s,
                      .eps = guided.eps,
                      .delta = guided.delta,
                      .eps_guided = guided.guided,
                      .traj_eps = inverted.traj_eps,
                      .x_mu = x_mu,
                      .eps_mu = eps_mu};
    }
    return output;
  }

 private:
  ScoreOptions options_;
  double gamma_;
};

}  // namespace

std::unique_ptr<Distiller> make_ism(const ScoreOptions& options) {
  return std::make_unique<IntervalScore>(options, /*gamma=*/1);
}
std::unique_ptr<Distiller> make_tsm(const ScoreOptions& options) {
  return std::make_unique<IntervalScore>(options, options.tsm_gamma);
}

}  // namespace lucid::distill
