// SPDX-License-Identifier: Apache-2.0
// The network as a denoiser at any noise level: scaling of its input, the nearest integer timestep, guidance.
#include "lucid/pointe/stage.h"

#include <cmath>

#include "lucid/base/error.h"

namespace lucid::pointe {
namespace {

using torch::Tensor;

/// One scale or bias a channel, [1,6,1]. The constants are those of the published models, not exactly 2 / 255.
Tensor per_channel(double of_coordinates, double of_colours, torch::Device device) {
  const auto xyz = static_cast<float>(of_coordinates), rgb = static_cast<float>(of_colours);
  return torch::tensor({xyz, xyz, xyz, rgb, rgb, rgb}).view({1, kChannels, 1}).to(device);
}
Tensor scales(torch::Device device) { return per_channel(2, 0.007843137255, device); }
Tensor biases(torch::Device device) { return per_channel(0, -1, device); }

}  // namespace

Tensor scaled(const Tensor& cloud) { return cloud * scales(cloud.device()) + biases(cloud.device()); }

Tensor unscaled(const Tensor& cloud) { return (cloud - biases(cloud.device())) / scales(cloud.device()); }

Tensor predicted_start(PointTransformer& net, const Diffusion& diffusion, const Condition& condition, const Tensor& x,
                       float sigma) {
  // The network knows integer timesteps only; the fraction is cut off.
  const Tensor t = torch::full({x.size(0)}, static_cast<int64_t>(diffusion.timestep(sigma)),
                               torch::TensorOptions(torch::kLong).device(x.device()));
  const Tensor input = x * (1 / std::sqrt(sigma * sigma + 1));
  const Tensor noise = net->forward(input, t, condition).slice(1, 0, kChannels);
  return diffusion.start(input, noise, t, /*clip=*/true);
}

Denoise guided_denoiser(PointTransformer& net, const Diffusion& diffusion, const Condition& condition, double scale) {
  if (scale == 0 || scale == 1) {
    return [&net, &diffusion, condition](const Tensor& x, float sigma) {
      return predicted_start(net, diffusion, condition, x, sigma);
    };
  }
  LUCID_CHECK(condition.vector.defined(), "guidance {} without a vector", scale);
  const Condition both{.vector = torch::cat({condition.vector, torch::zeros_like(condition.vector)})};
  return [&net, &diffusion, both, scale](const Tensor& x, float sigma) {
    const auto halves = predicted_start(net, diffusion, both, torch::cat({x, x}), sigma).chunk(2);
    return halves[1] + scale * (halves[0] - halves[1]);
  };
}

}  // namespace lucid::pointe
