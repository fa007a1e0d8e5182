// SPDX-License-Identifier: Apache-2.0
// Delta Denoising Score (Hertz et al. 2023) and Posterior Distillation Sampling (Koo et al. 2023): the prediction for
// the edited asset and its prompt minus that for the untouched one and its own, with the same noise. What the prior has
// against both alike cancels.
#include <algorithm>
#include <cmath>

#include "lucid/distill/beside_source.h"
#include "lucid/distill/noised.h"

namespace lucid::distill {
namespace {

using torch::Tensor;

/// The guided predictions of both branches, as noise.
struct Branches {
  Noised noised;  // of the target
  Tensor target, source;

  Branches(const ScoreOptions& options, diffusion::Denoiser& unet, const diffusion::Schedule& schedule,
           const ScoreInput& input, NoiseSource& noise) {
    SharedNoise shared(noise);
    noised = predict_noised(options, unet, schedule, input, shared.first);
    const Noised untouched = predict_noised(options, unet, schedule, source_of(input), shared.second);
    target = schedule.predicted_epsilon(noised.x_t, noised.guided.guided, noised.t);
    source = schedule.predicted_epsilon(untouched.x_t, untouched.guided.guided, noised.t);
  }
  void trace_into(ScoreOutput& output) const {
    output.trace.eps_target = target;
    output.trace.eps_source = source;
  }
};

class Dds final : public Distiller {
 public:
  explicit Dds(const ScoreOptions& options) : options_(options) {}

  ScoreOutput score(diffusion::Denoiser& unet, const diffusion::Schedule& schedule, const ScoreInput& input,
                    NoiseSource& noise) const override {
    const torch::NoGradGuard no_grad;  // the gradient does not go back through the U-Net
    const Branches e(options_, unet, schedule, input, noise);
    ScoreOutput output;
    set_gradient_beside_source(output, options_, input, e.target - e.source);
    report(output, *this, options_, schedule, e.noised);
    if (want_trace) e.trace_into(output);
    return output;
  }

 private:
  ScoreOptions options_;
};

constexpr int64_t kPdsStride = 2;  // its code takes 500 of 1000 timesteps; with 1 the term in psi would vanish

class Pds final : public Distiller {
 public:
  explicit Pds(const ScoreOptions& options) : options_(options) {}

  ScoreOutput score(diffusion::Denoiser& unet, const diffusion::Schedule& schedule, const ScoreInput& input,
                    NoiseSource& noise) const override {
    const torch::NoGradGuard no_grad;  // the gradient does not go back through the U-Net
    ScoreInput inside = input;         // the posterior needs a timestep below t
    inside.t_index = std::max(input.t_index, kPdsStride + 1 - schedule.config().steps_offset);
    const Branches e(options_, unet, schedule, inside, noise);
    const PdsCoefficients c = pds_coefficients(schedule, e.noised.t);
    const Tensor moved = input.latents.to(torch::kFloat) - input.source_latents.to(torch::kFloat);
    ScoreOutput output;
    set_gradient_beside_source(output, options_, input, c.psi * moved + c.chi * (e.target - e.source));
    report(output, *this, options_, schedule, e.noised);
    if (want_trace) e.trace_into(output);
    return output;
  }

 private:
  ScoreOptions options_;
};

}  // namespace

PdsCoefficients pds_coefficients(const diffusion::Schedule& schedule, int64_t t) {
  const int64_t last = std::min(t, schedule.config().num_train_timesteps - 1);
  const double a = schedule.alpha_bar(last), a_before = schedule.alpha_bar(last - kPdsStride);
  const double beta = schedule.beta(last);  // of one step, although the stride is two: as in its code
  PdsCoefficients c;
  c.c0 = std::sqrt(a_before) * beta / (1 - a);
  c.c1 = std::sqrt(1 - beta) * (1 - a_before) / (1 - a);
  c.sigma = std::sqrt((1 - a_before) / (1 - a) * beta);
  c.psi = (std::sqrt(a_before) - c.c0 - c.c1 * std::sqrt(a)) / c.sigma;
  c.chi = c.c0 * std::sqrt((1 - a) / a) / c.sigma;
  return c;
}

std::unique_ptr<Distiller> make_dds(const ScoreOptions& options) { return std::make_unique<Dds>(options); }
std::unique_ptr<Distiller> make_pds(const ScoreOptions& options) { return std::make_unique<Pds>(options); }

}  // namespace lucid::distill
