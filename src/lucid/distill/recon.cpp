// SPDX-License-Identifier: Apache-2.0
// MVDream's score (Shi et al. 2023, "MVDream"): SDS as a distance to the predicted x_0, whose deviation is moved
// towards that of a prediction without guidance. A large guidance scale then no longer saturates colours.
#include <vector>

#include "lucid/distill/noised.h"

namespace lucid::distill {
namespace {

using torch::Tensor;

constexpr double kFlat = 1e-4;  // of a picture without any contrast, which no factor changes

/// Standard deviation [B,1,1,1] of x [B,C,h,w] over all pixels and channels of `together` consecutive rows.
Tensor joint_deviation(const Tensor& x, int64_t together) {
  const std::vector<int64_t> numbers{1};
  const Tensor groups = x.reshape({x.size(0) / together, -1});
  const Tensor variance =
      (groups - groups.mean(numbers, /*keepdim=*/true)).square().sum(numbers) / static_cast<double>(groups.size(1) - 1);
  return variance.sqrt().repeat_interleave(together).view({-1, 1, 1, 1});
}

class Recon final : public Distiller {
 public:
  explicit Recon(const ScoreOptions& options) : options_(options) {}

  ScoreOutput score(diffusion::Denoiser& unet, const diffusion::Schedule& schedule, const ScoreInput& input,
                    NoiseSource& noise) const override {
    const torch::NoGradGuard no_grad;  // the gradient does not go back through the U-Net
    const Noised noised = predict_noised(options_, unet, schedule, input, noise);
    const Tensor guided = schedule.predicted_x0(noised.x_t, noised.guided.guided, noised.t),
                 prompted = schedule.predicted_x0(noised.x_t, noised.guided.eps[1], noised.t);
    const int64_t together = unet.joint_views();
    const Tensor wanted = joint_deviation(prompted, together), found = joint_deviation(guided, together);
    const Tensor factor = torch::where(found > kFlat, wanted / found, torch::ones_like(found));

    // grad L = lambda (x_0 - x'_0); with a share r of 0 it is that of SDS.
    const double r = options_.recon_rescale;
    ScoreOutput output;
    set_gradient(output, options_, 1, input.latents.to(torch::kFloat) - (r * factor + (1 - r)) * guided);
    report(output, *this, options_, schedule, noised);
    return output;
  }

 private:
  ScoreOptions options_;
};

}  // namespace

std::unique_ptr<Distiller> make_recon(const ScoreOptions& options) { return std::make_unique<Recon>(options); }

}  // namespace lucid::distill
