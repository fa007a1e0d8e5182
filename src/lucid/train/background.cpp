// SPDX-License-Identifier: Apache-2.0
// Fills the background from the picture's edge.
#include "lucid/train/background.h"

#include <vector>

namespace lucid::train {
namespace {

// Of the darkest channel. Background beside edges is darker than white: the VAE rings there. White parts are shaded.
constexpr double kBackground = 0.94, kWhitePart = 0.88;

/// `light` [H,W] of 0 and 1: sets `filled` [H,W] where a light pixel is connected with the edge by light pixels.
void fill_from_edge(const uint8_t* light, uint8_t* filled, int64_t height, int64_t width) {
  std::vector<int64_t> open;
  const auto visit = [&](int64_t y, int64_t x) {
    if (y < 0 || x < 0 || y >= height || x >= width) return;
    const int64_t at = y * width + x;
    if (light[at] == 0 || filled[at] != 0) return;
    filled[at] = 1;
    open.push_back(at);
  };
  for (int64_t x = 0; x < width; ++x) {
    visit(0, x);
    visit(height - 1, x);
  }
  for (int64_t y = 0; y < height; ++y) {
    visit(y, 0);
    visit(y, width - 1);
  }
  while (!open.empty()) {
    const int64_t y = open.back() / width, x = open.back() % width;
    open.pop_back();
    visit(y - 1, x);
    visit(y + 1, x);
    visit(y, x - 1);
    visit(y, x + 1);
  }
}

}  // namespace

torch::Tensor grown(const torch::Tensor& mask, int64_t reach) {
  const int64_t side = 2 * reach + 1;
  return torch::max_pool2d(mask.to(torch::kFloat), {side, side}, {1, 1}, {reach, reach}) > 0.5;
}

Backgrounds backgrounds_of(const torch::Tensor& pictures, int64_t rim) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor darkest = pictures.amin(1, /*keepdim=*/true);  // [B,1,H,W]
  const torch::Tensor from = (darkest > kBackground).to(torch::kCPU, torch::kByte).contiguous();
  torch::Tensor filled = torch::zeros_like(from);
  const int64_t height = pictures.size(2), width = pictures.size(3);
  for (int64_t i = 0; i < from.size(0); ++i)
    fill_from_edge(from[i].data_ptr<uint8_t>(), filled[i].data_ptr<uint8_t>(), height, width);
  const torch::Tensor surely = filled.to(pictures.device()) > 0;
  const torch::Tensor rims = grown(surely, rim) & grown(~surely, rim), light = (darkest > kWhitePart) & ~surely;
  return {.surely = surely, .unsure = rims | light};
}

torch::Tensor on_colour(const torch::Tensor& pictures, const torch::Tensor& background,
                        const std::array<float, 3>& colour) {
  const torch::Tensor other = torch::tensor({colour[0], colour[1], colour[2]}, pictures.options()).view({1, 3, 1, 1});
  return torch::where(background, other, pictures);
}

}  // namespace lucid::train
