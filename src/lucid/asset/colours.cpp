// SPDX-License-Identifier: Apache-2.0
// Numbers as colours: the map, depth, latents.
#include <array>

#include "lucid/asset/image.h"
#include "lucid/base/error.h"

namespace lucid::asset {
namespace {

// Made for this program: CIE lightness rises evenly from 12 to 93 while the hue turns from blue (300 degrees) to yellow
// (100), with the chroma that sRGB has room for. So equal steps look equal, in print and to the colour-blind as well.
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

/// x [...] -> 0..1 over its own range; a constant gives `otherwise`.
torch::Tensor stretched(const torch::Tensor& x, double low, double high, double otherwise) {
  if (!(high > low)) return torch::full_like(x, otherwise);
  return ((x - low) / (high - low)).clamp(0, 1);
}

torch::Tensor plain(const torch::Tensor& x) { return x.detach().cpu().to(torch::kFloat32).nan_to_num(); }

}  // namespace

torch::Tensor colour_map(const torch::Tensor& x) {
  LUCID_CHECK(x.dim() == 3 && x.size(0) == 1, "{} dimensions", x.dim());
  const torch::NoGradGuard no_grad;
  torch::Tensor anchors = torch::empty({kAnchors, 3}, torch::kFloat32);
  std::copy(&kMap[0][0], &kMap[0][0] + 3 * kAnchors, anchors.data_ptr<float>());
  const torch::Tensor place = plain(x).squeeze(0).clamp(0, 1) * (kAnchors - 1);  // [H,W]
  const torch::Tensor below = place.floor().clamp(0, kAnchors - 2);
  const torch::Tensor index = below.to(torch::kInt64).flatten();
  const torch::Tensor weight = (place - below).flatten().unsqueeze(1);  // [HW,1]
  const torch::Tensor colour = torch::lerp(anchors.index_select(0, index), anchors.index_select(0, index + 1), weight);
  return colour.view({x.size(1), x.size(2), 3}).permute({2, 0, 1}).contiguous();
}

torch::Tensor depth_picture(const torch::Tensor& depth, const torch::Tensor& alpha) {
  LUCID_CHECK(depth.dim() == 3 && depth.size(0) == 1 && depth.sizes() == alpha.sizes(), "{} and {} dimensions",
              depth.dim(), alpha.dim());
  const torch::NoGradGuard no_grad;
  constexpr double kLeastAlpha = 1e-4, kSolid = 0.5;
  const torch::Tensor a = plain(alpha).clamp(0, 1);
  const torch::Tensor z = plain(depth) / a.clamp_min(kLeastAlpha);  // depth is a sum of w z; this is the mean z
  // The range comes from what is solid: one faint floater near the camera would otherwise make all else dark.
  torch::Tensor seen = z.masked_select(a > kSolid);
  if (seen.numel() == 0) seen = z.masked_select(a > kLeastAlpha);
  if (seen.numel() == 0) return torch::ones({3, depth.size(1), depth.size(2)});
  const torch::Tensor near = 1 - stretched(z, seen.min().item<double>(), seen.max().item<double>(), 0);
  return colour_map(near) * a + (1 - a);
}

torch::Tensor latents_picture(const torch::Tensor& latents) {
  LUCID_CHECK(latents.dim() == 3 && latents.numel() > 0, "{} dimensions", latents.dim());
  const torch::NoGradGuard no_grad;
  const int64_t channels = latents.size(0);
  const torch::Tensor x = plain(latents);
  torch::Tensor picture = torch::zeros({3, x.size(1), x.size(2)});
  for (int64_t k = 0; k < 3; ++k) {
    // The first three cosines of the DCT: orthogonal for three channels or more, and known without looking at the data,
    // so that the colours of two sheets can be compared. With fewer channels colours repeat.
    const torch::Tensor direction =
        torch::cos((torch::arange(channels, torch::kFloat32) + 0.5) *
                   (M_PI * static_cast<double>(k % channels) / static_cast<double>(channels)));
    const torch::Tensor projected = (x * direction.view({channels, 1, 1})).sum(0);
    picture[k] = stretched(projected, projected.min().item<double>(), projected.max().item<double>(), 0.5);
  }
  return picture;
}

}  // namespace lucid::asset
