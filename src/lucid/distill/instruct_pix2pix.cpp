// SPDX-License-Identifier: Apache-2.0
// Guidance and score of InstructPix2Pix (Brooks et al. 2023): a U-Net that sees a picture in four more channels, and
// whose prompt is an instruction ("make it red").
#include "lucid/base/error.h"
#include "lucid/distill/noised.h"

namespace lucid::distill {

using torch::Tensor;

// Equation 3 of the paper, c_I the picture, c_T the instruction:
//   e = e(z,0,0) + s_I (e(z,c_I,0) - e(z,0,0)) + s_T (e(z,c_I,c_T) - e(z,c_I,0)).
Guided guide_by_picture(const ScoreOptions& options, diffusion::Denoiser& unet, const diffusion::Schedule& schedule,
                        const ScoreInput& input, const Tensor& x_t, int64_t t) {
  const text_to_image::ViewPrompts& prompts = *input.prompts;
  const Tensor picture = input.picture.to(x_t.options());
  LUCID_CHECK(picture.sizes() == x_t.sizes(), "{} views of the source, {} of the latents", picture.size(0),
              x_t.size(0));
  const Tensor seen = torch::cat({x_t, picture}, 1), blind = torch::cat({x_t, torch::zeros_like(picture)}, 1);
  const Tensor empty = prompts.inverse_weights();
  Guided result;
  result.eps = predict_each(unet, schedule, torch::stack({seen, seen, blind}), t, prompts,
                            {empty, prompts.view_weights(input.views), empty});
  result.delta = result.eps[1] - result.eps[0];
  result.guided = result.eps[2] + options.guidance_scale * result.delta +
                  options.image_guidance_scale * (result.eps[0] - result.eps[2]);
  return result;
}

namespace {

class InstructPix2Pix final : public Distiller {
 public:
  explicit InstructPix2Pix(const ScoreOptions& options) : options_(options) {}

  ScoreOutput score(diffusion::Denoiser& unet, const diffusion::Schedule& schedule, const ScoreInput& input,
                    NoiseSource& noise) const override {
    LUCID_CHECK(input.picture.defined(), "ip2p got no picture of the source");
    const torch::NoGradGuard no_grad;  // the gradient does not go back through the U-Net
    const Noised noised = predict_noised(options_, unet, schedule, input, noise);
    ScoreOutput output;
    set_gradient(output, options_, noise_variance(schedule, noised.t),
                 schedule.predicted_epsilon(noised.x_t, noised.guided.guided, noised.t) - noised.eps);
    report(output, *this, options_, schedule, noised);
    return output;
  }

 private:
  ScoreOptions options_;
};

}  // namespace

std::unique_ptr<Distiller> make_instruct_pix2pix(const ScoreOptions& options) {
  return std::make_unique<InstructPix2Pix>(options);
}

}  // namespace lucid::distill
