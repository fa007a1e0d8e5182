// SPDX-License-Identifier: Apache-2.0
// See denoiser.h.
#include "lucid/diffusion/denoiser.h"

#include <vector>

namespace lucid::diffusion {
UNetDenoiser::UNetDenoiser(const UNet& unet, const ComputeOptions& options)
    : unet_(in_precision(unet, options.precision)), precision_(precision_of(unet_)), workers_(options.workers) {}

torch::Tensor UNetDenoiser::predict(const torch::Tensor& x, const torch::Tensor& timesteps,
                                    const torch::Tensor& context) {
  const auto rows = [&](int64_t begin, int64_t end) {
    const auto part = [&](const torch::Tensor& of) { return of.slice(0, begin, end); };
    return unet_->forward(part(x).to(precision_), part(timesteps), part(context).to(precision_)).to(x.scalar_type());
  };
  const int64_t batch = x.size(0), workers = workers_.count();
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
