// SPDX-License-Identifier: Apache-2.0
// Colour-mapped images: the perceptual colour map, depth, latents.
#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "lucid/asset/pictures/image.h"
#include "lucid/base/error.h"

namespace lucid::asset {
namespace {

// The colour map, sRGB. CIE lightness rises evenly from 12 to 93 while the hue changes from blue (300 degrees) to
// yellow (100), with as much chroma as sRGB allows. Equal steps look equal, also in greyscale and with colour
// blindness.
constexpr int kAnchors = 9;
constexpr std::array<std::array<float, 3>, kAnchors> kMap = {{{0.004f, 0.083f, 0.379f},
                                                              {0.000f, 0.213f, 0.385f},
                                                              {0.011f, 0.320f, 0.444f},
                                                              {0.029f, 0.430f, 0.509f},
                                                              {0.002f, 0.547f, 0.560f},
                                                              {0.030f, 0.670f, 0.563f},
                                                              {0.160f, 0.800f, 0.436f},
                                                              {0.640f, 0.879f, 0.360f},
                                                              {0.988f, 0.936f, 0.371f}}};

/// x scaled linearly from [low, high] to [0, 1], clamped; `otherwise` everywhere if the range is empty.
torch::Tensor stretched(const torch::Tensor& x, double low, double high, double otherwise) {
  if (!(high > low)) return torch::full_like(x, otherwise);
  return ((x - low) / (high - low)).clamp(0, 1);
}

/// Detached float32 on the CPU, NaN replaced by 0.
torch::Tensor plain(const torch::Tensor& x) { return x.detach().cpu().to(torch::kFloat32).nan_to_num(); }

/// Writes the map's colour for x in [0, 1] to one pixel of a planar image: channel c at rgb[c * plane].
inline void paint(float x, float* rgb, int64_t plane) {
  const float place = std::clamp(x, 0.0F, 1.0F) * (kAnchors - 1);
  const int below = std::min(static_cast<int>(place), kAnchors - 2);
  const float weight = place - static_cast<float>(below);
  for (int64_t c = 0; c < 3; ++c) {
    const float from = kMap[below][c], to = kMap[below + 1][c];
    rgb[c * plane] = from + weight * (to - from);
  }
}

constexpr int64_t kGrain = 1 << 14;  // pixels per thread at least

constexpr float kLeastAlpha = 1e-4F;  // fainter pixels have no depth

/// Mean z of a pixel; the rendered depth is the sum of weight * z.
float mean_z(float sum, float alpha) { return sum / std::max(alpha, kLeastAlpha); }

void check_depth(const torch::Tensor& depth, const torch::Tensor& alpha) {
  LUCID_CHECK(depth.dim() == 3 && depth.size(0) == 1 && depth.sizes() == alpha.sizes(), "{} and {} dimensions",
              depth.dim(), alpha.dim());
}

}  // namespace

torch::Tensor colour_map(const torch::Tensor& x) {
  LUCID_CHECK(x.dim() == 3 && x.size(0) == 1, "{} dimensions", x.dim());
  const torch::NoGradGuard no_grad;
  const torch::Tensor values = plain(x).contiguous(), colours = torch::empty({3, x.size(1), x.size(2)});
  const float* from = values.data_ptr<float>();
  float* to = colours.data_ptr<float>();
  const int64_t pixels = x.numel();
  at::parallel_for(0, pixels, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) paint(from[i], to + i, pixels);
  });
  return colours;
}

std::optional<DepthRange> visible_range(const torch::Tensor& depth, const torch::Tensor& alpha) {
  check_depth(depth, alpha);
  const torch::NoGradGuard no_grad;
  constexpr float kSolid = 0.5F;
  const torch::Tensor alphas = plain(alpha).contiguous(), depths = plain(depth).contiguous();
  const float *a = alphas.data_ptr<float>(), *sum = depths.data_ptr<float>();
  // The range is that of solid pixels; otherwise one faint floater near the camera would darken everything else.
  for (const float more_than : {kSolid, kLeastAlpha}) {
    std::optional<DepthRange> range;
    for (int64_t i = 0; i < alphas.numel(); ++i) {
      if (!(a[i] > more_than)) continue;
      const float z = mean_z(sum[i], std::min(a[i], 1.0F));
      if (!range) range = DepthRange{.near = z, .far = z};
      range->near = std::min(range->near, z);
      range->far = std::max(range->far, z);
    }
    if (range) return range;
  }
  return std::nullopt;
}

torch::Tensor depth_colours(const torch::Tensor& depth, const torch::Tensor& alpha,
                            const std::optional<DepthRange>& wanted) {
  check_depth(depth, alpha);
  const torch::NoGradGuard no_grad;
  torch::Tensor image = torch::ones({3, depth.size(1), depth.size(2)});
  const std::optional<DepthRange> range = wanted ? wanted : visible_range(depth, alpha);
  if (!range) return image;
  const torch::Tensor alphas = plain(alpha).clamp(0, 1).contiguous(), depths = plain(depth).contiguous();
  const float *a = alphas.data_ptr<float>(), *sum = depths.data_ptr<float>();
  const int64_t pixels = alphas.numel();
  float* rgb = image.data_ptr<float>();
  at::parallel_for(0, pixels, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float beyond = mean_z(sum[i], a[i]) - range->near;
      paint(range->far > range->near ? 1 - beyond / (range->far - range->near) : 1, rgb + i, pixels);
    }
  });
  return image;
}

torch::Tensor depth_image(const torch::Tensor& depth, const torch::Tensor& alpha) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor weight = plain(alpha).clamp(0, 1);
  return depth_colours(depth, alpha) * weight + (1 - weight);
}

torch::Tensor latents_image(const torch::Tensor& latents) {
  LUCID_CHECK(latents.dim() == 3 && latents.numel() > 0, "{} dimensions", latents.dim());
  const torch::NoGradGuard no_grad;
  const int64_t channels = latents.size(0);
  const torch::Tensor x = plain(latents);
  torch::Tensor image = torch::zeros({3, x.size(1), x.size(2)});
  for (int64_t k = 0; k < 3; ++k) {
    // The first three cosines of the DCT: orthogonal for three channels or more, and known without looking at the data,
    // so that the colours of two sheets can be compared. With fewer channels colours repeat.
    const torch::Tensor direction =
        torch::cos((torch::arange(channels, torch::kFloat32) + 0.5) *
                   (M_PI * static_cast<double>(k % channels) / static_cast<double>(channels)));
    const torch::Tensor projected = (x * direction.view({channels, 1, 1})).sum(0);
    image[k] = stretched(projected, projected.min().item<double>(), projected.max().item<double>(), 0.5);
  }
  return image;
}

}  // namespace lucid::asset
