// SPDX-License-Identifier: Apache-2.0
// Colour-mapped images: the perceptual colour map, depth, latents.
#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "lucid/asset/image.h"
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

struct Range {
  float low = std::numeric_limits<float>::max(), high = std::numeric_limits<float>::lowest();
  bool empty() const { return low > high; }
};

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

torch::Tensor depth_image(const torch::Tensor& depth, const torch::Tensor& alpha) {
  LUCID_CHECK(depth.dim() == 3 && depth.size(0) == 1 && depth.sizes() == alpha.sizes(), "{} and {} dimensions",
              depth.dim(), alpha.dim());
  const torch::NoGradGuard no_grad;
  constexpr float kLeastAlpha = 1e-4F, kSolid = 0.5F;
  const torch::Tensor alphas = plain(alpha).clamp(0, 1).contiguous(), depths = plain(depth).contiguous();
  const float *a = alphas.data_ptr<float>(), *sum = depths.data_ptr<float>();
  const int64_t pixels = alphas.numel();
  // Mean z: the rendered depth is the sum of weight * z.
  const auto z = [&](int64_t i) { return sum[i] / std::max(a[i], kLeastAlpha); };
  const auto range_where = [&](float more_than) {
    Range range;
    for (int64_t i = 0; i < pixels; ++i) {
      if (!(a[i] > more_than)) continue;
      range.low = std::min(range.low, z(i));
      range.high = std::max(range.high, z(i));
    }
    return range;
  };
  // The range is that of solid pixels; otherwise one faint floater near the camera would darken everything else.
  Range seen = range_where(kSolid);
  if (seen.empty()) seen = range_where(kLeastAlpha);
  torch::Tensor image = torch::ones({3, depth.size(1), depth.size(2)});
  if (seen.empty()) return image;
  float* rgb = image.data_ptr<float>();
  at::parallel_for(0, pixels, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float far = seen.high > seen.low ? std::clamp((z(i) - seen.low) / (seen.high - seen.low), 0.0F, 1.0F) : 0;
      paint(1 - far, rgb + i, pixels);
      for (int64_t c = 0; c < 3; ++c) rgb[i + c * pixels] = rgb[i + c * pixels] * a[i] + (1 - a[i]);
    }
  });
  return image;
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
