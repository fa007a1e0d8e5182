// SPDX-License-Identifier: Apache-2.0
// Fine detail by a low-pass filter that ignores the background; floaters and haze from alpha.
#include "lucid/eval/close_up.h"

#include <torch/fft.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "lucid/base/error.h"
#include "lucid/mesh/picture_components.h"

namespace lucid::eval {
namespace {

constexpr double kObject = 0.9;        // minimum alpha of the pixels whose luminance is used
constexpr float kVisible = 0.02f;      // alpha above which a part of a picture is seen; five steps of 8 bits
constexpr float kSolid = 0.5f;         // alpha
constexpr int64_t kOutlinePixels = 2;  // at the outline, where pixels mix object and background
constexpr int64_t kHazeReach = 8;      // pixels beside the solid part, where outlines fade
constexpr int kPasses = 4;             // of the continuation over the background
constexpr double kTransition = 0.1;    // half width of the filter's slope, share of the cutoff
constexpr int kCloseUpViews = 24;      // around the asset

/// Low-pass filter for rfft2 of S x S pictures: 1 up to (1 - kTransition) cutoff, 0 from (1 + kTransition) cutoff, half
/// a cosine between. [S,S/2+1]
torch::Tensor low_pass(int64_t size, double cutoff) {
  const torch::Tensor at = torch::arange(size, torch::kFloat);
  const torch::Tensor y = torch::minimum(at, static_cast<double>(size) - at).unsqueeze(1);  // cycles per picture
  const torch::Tensor x = at.slice(0, 0, size / 2 + 1).unsqueeze(0);
  const torch::Tensor frequency = (x.square() + y.square()).sqrt();
  const torch::Tensor slope = ((frequency / cutoff - (1 - kTransition)) / (2 * kTransition)).clamp(0, 1);
  return (1 + (slope * std::numbers::pi).cos()) / 2;
}

torch::Tensor grown(const torch::Tensor& mask, int64_t reach) {
  return torch::max_pool2d(mask.to(torch::kFloat), 2 * reach + 1, 1, reach) > 0;
}

torch::Tensor in_8_bits(const torch::Tensor& x) { return (x.clamp(0, 1) * 255).round() / 255; }

CloseUp close_up_of(const FineDetail& detail, const torch::Tensor& alpha) {
  const Floaters apart = floaters(alpha);
  return {.fine_energy = fine_energy(detail),
          .floater_share = apart.share,
          .haze = haze(alpha, kHazeReach),
          .largest_floater = apart.largest};
}

}  // namespace

FineDetail fine_detail(const torch::Tensor& pictures, const torch::Tensor& alpha, double cutoff) {
  LUCID_CHECK(pictures.dim() == 4 && pictures.size(2) == pictures.size(3) && cutoff > 0, "{} x {}, cutoff {}",
              pictures.size(2), pictures.size(3), cutoff);
  const int64_t size = pictures.size(3);
  const torch::Tensor weights = torch::tensor({0.299, 0.587, 0.114}, pictures.options()).view({1, 3, 1, 1});
  const torch::Tensor luminance = (pictures * weights).sum(1, /*keepdim=*/true);  // [V,1,S,S]
  const torch::Tensor object = alpha > kObject;
  const torch::Tensor pixels = object.sum({2, 3}, true).clamp_min(1);
  const torch::Tensor mean = (luminance * object).sum({2, 3}, true) / pixels;
  const torch::Tensor filter = low_pass(size, cutoff);
  torch::Tensor low = mean.expand_as(luminance), continued;
  // Papoulis-Gerchberg: the object's pixels as they are, the others from the band-limited picture of the pass before.
  for (int pass = 0; pass < kPasses; ++pass) {
    continued = torch::where(object, luminance, low);
    low = torch::fft::irfft2(torch::fft::rfft2(continued) * filter, at::IntArrayRef({size, size}));
  }
  return {.high = luminance - low, .inside = grown(object.logical_not(), kOutlinePixels).logical_not()};
}

std::optional<double> fine_energy(const FineDetail& detail) {
  const auto count = detail.inside.sum().item<int64_t>();
  if (count == 0) return std::nullopt;
  return (detail.high.square() * detail.inside).sum(torch::kDouble).item<double>() / static_cast<double>(count);
}

Floaters floaters(const torch::Tensor& alpha) {
  const torch::Tensor planes = alpha.to(torch::kCPU, torch::kFloat).contiguous();
  const auto height = static_cast<int>(planes.size(2)), width = static_cast<int>(planes.size(3));
  Floaters result;
  int64_t visible = 0, apart = 0;
  for (int64_t view = 0; view < planes.size(0); ++view) {
    const mesh::PictureComponents parts =
        mesh::picture_components(planes[view].data_ptr<float>(), width, height, kVisible);
    for (size_t part = 0; part < parts.pixels.size(); ++part) {
      visible += parts.pixels[part];
      if (static_cast<int32_t>(part) == parts.largest) continue;
      apart += parts.pixels[part];
      result.largest = std::max(result.largest, parts.pixels[part]);
    }
  }
  if (visible > 0) result.share = static_cast<double>(apart) / static_cast<double>(visible);
  return result;
}

double haze(const torch::Tensor& alpha, int64_t reach) {
  const torch::Tensor planes = alpha.to(torch::kCPU, torch::kFloat).contiguous();
  const auto height = static_cast<int>(planes.size(2)), width = static_cast<int>(planes.size(3));
  double all = 0, far = 0;
  for (const torch::Tensor& plane : planes.split(1)) {  // [1,1,H,W]
    const mesh::PictureComponents parts = mesh::picture_components(plane.data_ptr<float>(), width, height, kSolid);
    all += plane.sum(torch::kDouble).item<double>();
    torch::Tensor solid = torch::zeros_like(plane, torch::kBool);
    for (size_t i = 0; i < parts.label.size(); ++i)
      solid.data_ptr<bool>()[i] = parts.largest >= 0 && parts.label[i] == parts.largest;
    far += plane.masked_select(grown(solid, reach).logical_not()).sum(torch::kDouble).item<double>();
  }
  return all > 0 ? far / all : 0;
}

CloseUp look_closer(const torch::Tensor& pictures, const torch::Tensor& alpha) {
  const torch::Tensor planes = in_8_bits(alpha);
  return close_up_of(fine_detail(in_8_bits(pictures), planes, kTrainingNyquist), planes);
}

CloseUp look_closer(const gaussians::Cloud& cloud) {
  const AssetViews views = render_asset(cloud, kCloseUpViews, {.size = kCloseUpSize});
  const torch::Tensor planes = in_8_bits(views.alpha);
  const FineDetail detail = fine_detail(in_8_bits(views.rgb), planes, kTrainingNyquist);
  CloseUp result = close_up_of(detail, planes);
  const double error = reprojection_error(views), agreement = reprojection_correlation(views, detail.high);
  if (std::isfinite(error)) result.reprojection_error = error;
  if (std::isfinite(agreement)) result.detail_agreement = agreement;
  return result;
}

}  // namespace lucid::eval
