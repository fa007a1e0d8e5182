// SPDX-License-Identifier: Apache-2.0
// Delta-ISM: the ISM gradient of the edited asset and its prompt minus that of the untouched one and its own. Each
// branch is inverted from its own latents; both start from the same noise.
#include "lucid/distill/beside_source.h"

namespace lucid::distill {
namespace {

class DeltaIsm final : public Distiller {
 public:
  explicit DeltaIsm(const ScoreOptions& options)
      : options_(options), target_(make_ism(weightless(options))), source_(make_ism(weightless(options))) {}

  ScoreOutput score(diffusion::Denoiser& unet, const diffusion::Schedule& schedule, const ScoreInput& input,
                    NoiseSource& noise) const override {
    const torch::NoGradGuard no_grad;  // the gradient does not go back through the U-Net
    SharedNoise shared(noise);
    target_->want_sheet = want_sheet;
    target_->want_trace = want_trace;
    ScoreOutput output = target_->score(unet, schedule, input, shared.first);
    const ScoreOutput source = source_->score(unet, schedule, source_of(input), shared.second);
    set_gradient_beside_source(output, options_, input, output.d_latents - source.d_latents);
    return output;
  }

 private:
  /// set_gradient_beside_source() multiplies by lambda.
  static ScoreOptions weightless(ScoreOptions options) {
    options.lambda_guidance = 1;
    return options;
  }

  ScoreOptions options_;
  std::unique_ptr<Distiller> target_, source_;
};

}  // namespace

std::unique_ptr<Distiller> make_delta_ism(const ScoreOptions& options) { return std::make_unique<DeltaIsm>(options); }

}  // namespace lucid::distill
