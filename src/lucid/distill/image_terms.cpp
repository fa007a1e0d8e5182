// SPDX-License-Identifier: Apache-2.0
// Disparity and total variation in the reference's formulas, on autograd; the clamp with its own backward pass.
#include "lucid/distill/image_terms.h"

#include <cmath>
#include <limits>

#include "lucid/base/error.h"

namespace lucid::distill {

torch::Tensor disparity(const torch::Tensor& depth, const torch::Tensor& transmittance, double fovx) {
  LUCID_CHECK(depth.dim() == 4 && depth.sizes() == transmittance.sizes(), "depth has {} dimensions, transmittance {}",
              depth.dim(), transmittance.dim());
  const double focal = 1 / (2 * std::tan(fovx / 2));  // in image widths
  const torch::Tensor d = focal / (depth + 10 * transmittance + 1e-5);

  // Range per view: from the smallest disparity of nearly opaque pixels (of all pixels if there are none) to the
  // largest.
  const std::vector<int64_t> pixels{1, 2, 3};
  const torch::Tensor opaque = transmittance <= 0.1;
  const torch::Tensor nowhere = torch::full({}, std::numeric_limits<double>::infinity(), d.options());
  const torch::Tensor has_opaque = opaque.flatten(1).any(1).view({-1, 1, 1, 1});
  const torch::Tensor d_min =
      torch::where(has_opaque, torch::where(opaque, d, nowhere).amin(pixels, /*keepdim=*/true), d.amin(pixels, true));
  const torch::Tensor range = d.amax(pixels, /*keepdim=*/true) - d_min;

  // A view with one disparity everywhere (an empty one) gives zeros without gradient; the reference divides 0 by 0.
  const torch::Tensor flat = range <= 0;
  const torch::Tensor scaled = (d - d_min) / torch::where(flat, torch::ones_like(range), range);
  return torch::where(flat, torch::zeros_like(scaled), scaled.clamp(0, 1));
}

namespace {

struct AsDisplayed : torch::autograd::Function<AsDisplayed> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& rgb) {
    context->save_for_backward({rgb});
    return rgb.clamp(0, 1);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list up) {
    const torch::Tensor rgb = context->get_saved_variables()[0];
    // Descent moves against the gradient: a negative gradient raises the value.
    const torch::Tensor outward = ((rgb > 1) & (up[0] < 0)) | ((rgb < 0) & (up[0] > 0));
    return {up[0].masked_fill(outward, 0)};
  }
};

}  // namespace

torch::Tensor as_displayed(const torch::Tensor& rgb) { return AsDisplayed::apply(rgb); }

namespace {

/// d scaled down so that the largest magnitude over `axes` is at most `limit`.
torch::Tensor clipped_over(const torch::Tensor& d, double limit, at::IntArrayRef axes) {
  if (limit <= 0) return d;
  const torch::Tensor largest = d.abs().amax(axes, /*keepdim=*/true);
  return d * (limit / largest.clamp_min(limit));
}

}  // namespace

torch::Tensor clipped_per_pixel(const torch::Tensor& d, double limit) { return clipped_over(d, limit, {1}); }
torch::Tensor clipped_per_view(const torch::Tensor& d, double limit) { return clipped_over(d, limit, {1, 2, 3}); }

torch::Tensor total_variation(const torch::Tensor& x) {
  LUCID_CHECK(x.dim() == 4 && x.size(2) > 1 && x.size(3) > 1, "{} dimensions, last two {} x {}", x.dim(), x.size(-2),
              x.size(-1));
  const torch::Tensor dy = x.slice(2, 1) - x.slice(2, 0, -1);  // [B,C,H-1,W]
  const torch::Tensor dx = x.slice(3, 1) - x.slice(3, 0, -1);  // [B,C,H,W-1]
  const auto batch = static_cast<double>(x.size(0));
  const double count_y = static_cast<double>(dy.numel()) / batch, count_x = static_cast<double>(dx.numel()) / batch;
  return 2 * (dy.square().sum() / count_y + dx.square().sum() / count_x) / batch;
}

}  // namespace lucid::distill
