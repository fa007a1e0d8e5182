// SPDX-License-Identifier: Apache-2.0
// See denoiser.h.
#include "lucid/diffusion/denoiser.h"

#include <vector>

#include "lucid/base/error.h"
#include "lucid/diffusion/in_precision.h"

namespace lucid::diffusion {
UNetDenoiser::UNetDenoiser(const UNet& unet, const ComputeOptions& options, const Control& control)
    : unet_(in_precision(unet, options.precision)),
      control_(control),
      precision_(precision_of(unet_)),
      workers_(options.workers) {
  if (looks()) control_.net = in_precision(control_.net, precision_);
}

torch::Tensor UNetDenoiser::predict(const torch::Tensor& x, const torch::Tensor& timesteps,
                                    const torch::Tensor& context) {
  const int64_t batch = x.size(0), workers = workers_.count();
  torch::Tensor pictures;
  if (looks()) {
    LUCID_CHECK(pictures_.defined() && batch % pictures_.size(0) == 0, "a batch of {} and no such pictures", batch);
    pictures = pictures_.repeat({batch / pictures_.size(0), 1, 1, 1});
  }
  const auto rows = [&](int64_t begin, int64_t end) {
    const auto part = [&](const torch::Tensor& of) { return of.slice(0, begin, end); };
    const torch::Tensor latents = part(x).to(precision_), prompts = part(context).to(precision_), t = part(timesteps);
    if (!looks()) return unet_->forward(latents, t, prompts).to(x.scalar_type());
    const ControlResiduals control = control_.net->forward(latents, t, prompts, part(pictures), control_.scale);
    return unet_->forward(latents, t, prompts, &control).to(x.scalar_type());
  };
  if (workers == 1 || batch < workers || torch::GradMode::is_enabled() || !x.is_cpu()) return rows(0, batch);
  std::vector<torch::Tensor> parts(static_cast<size_t>(workers));
  workers_.run([&](int64_t worker) {
    const torch::NoGradGuard no_grad;
    const Share share = share_of(batch, worker, workers);
    parts[static_cast<size_t>(worker)] = rows(share.begin, share.end);
  });
  return torch::cat(parts);
}

}  // namespace lucid::diffusion
