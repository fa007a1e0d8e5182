// SPDX-License-Identifier: Apache-2.0
// Boxes and spheres: parsing, membership, projection, rays.
#include "lucid/edit/mask.h"

#include <charconv>
#include <cmath>
#include <vector>

#include "lucid/asset/splats/clean_cloud.h"
#include "lucid/base/error.h"

namespace lucid::edit {
namespace {

using torch::Tensor;

/// "1,2.5,-3" as `count` numbers.
std::vector<double> numbers(const char* key, const std::string& text, size_t count, const char* form) {
  const auto refuse = [&] {
    throw UserError({.what_happened = fmt::format("'{}' is not {}", text, form), .key = key});
  };
  std::vector<double> values;
  const char *at = text.data(), *end = text.data() + text.size();
  while (at != end) {
    double value = 0;
    const auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc() || !std::isfinite(value)) refuse();
    values.push_back(value);
    at = next;
    if (at != end && *at++ != ',') refuse();
  }
  if (values.size() != count || text.ends_with(',')) refuse();
  return values;
}

Tensor row(const std::array<double, 3>& v, const Tensor& like) {
  return torch::tensor({v[0], v[1], v[2]}, torch::kDouble).to(like.options());  // [3]
}

}  // namespace

std::optional<Mask> Mask::of(const EditOptions& options) {
  if (int{!options.mask_box.empty()} + int{!options.mask_sphere.empty()} + int{!options.mask_images.empty()} +
          int{!options.mask_word.empty()} >
      1) {
    throw UserError(UserMistake{.what_happened = "two masks are given",
                                .key = "mask",
                                .hint = "mask_box, mask_sphere, mask_images or mask_word; leave the others out"});
  }
  Mask mask;
  if (!options.mask_box.empty()) {
    const auto v = numbers("mask_box", options.mask_box, 6, "six numbers X,Y,Z,X,Y,Z");
    for (size_t i = 0; i < 3; ++i) {
      mask.low_[i] = std::min(v[i], v[i + 3]);
      mask.high_[i] = std::max(v[i], v[i + 3]);
    }
    return mask;
  }
  if (!options.mask_sphere.empty()) {
    const auto v = numbers("mask_sphere", options.mask_sphere, 4, "four numbers X,Y,Z,RADIUS");
    if (v[3] <= 0) {
      throw UserError({.what_happened = fmt::format("the radius {:g} is not positive", v[3]), .key = "mask_sphere"});
    }
    mask.low_ = {v[0], v[1], v[2]};
    mask.radius_ = v[3];
    return mask;
  }
  return std::nullopt;
}

Tensor Mask::inside(const Tensor& means) const {
  const Tensor low = row(low_, means);
  if (radius_ > 0) return (means - low).square().sum(1) <= radius_ * radius_;
  return ((means >= low) & (means <= row(high_, means))).all(1);
}

void Mask::confine(gaussians::Cloud& cloud) const {
  const torch::NoGradGuard no_grad;
  const Tensor low = row(low_, cloud.means);
  if (radius_ > 0) {
    const Tensor from = cloud.means - low;
    const Tensor factor = (radius_ / from.norm(2, 1, true).clamp_min(1e-12)).clamp_max(1);
    cloud.means = torch::where(factor < 1, low + from * factor, cloud.means);
  } else {
    cloud.means = torch::minimum(torch::maximum(cloud.means, low), row(high_, cloud.means));
  }
}

Tensor Mask::covers(const Camera& camera) const {
  // A pixel's ray: origin + s direction, s > 0, in world axes. The pose's rotation R takes world to camera axes, so a
  // direction (x, y, 1) of the camera is R^T (x, y, 1) in the world, and the origin is -R^T t.
  const Tensor pose =
      torch::tensor(std::vector<double>(camera.camera_from_world.begin(), camera.camera_from_world.end()),
                    torch::kDouble)
          .view({4, 4});
  const Tensor rotation = pose.slice(0, 0, 3).slice(1, 0, 3),
               origin = -rotation.t().mv(pose.slice(0, 0, 3).select(1, 3));
  const auto centres = [](int64_t count, double tan_half) {
    return ((torch::arange(count, torch::kDouble) + 0.5) / static_cast<double>(count) * 2 - 1) * tan_half;
  };
  const Tensor x = centres(camera.width, camera.tan_half_fov_x).unsqueeze(0).expand({camera.height, camera.width});
  const Tensor y = centres(camera.height, camera.tan_half_fov_y).unsqueeze(1).expand({camera.height, camera.width});
  const Tensor direction = torch::stack({x, y, torch::ones_like(x)}, 2).matmul(rotation);  // [H,W,3]
  const Tensor low = row(low_, origin);
  if (radius_ > 0) {
    const Tensor to = low - origin;  // the nearest point of the ray to the centre is at s = to . d / d . d
    const Tensor s = direction.matmul(to) / direction.square().sum(2);
    const Tensor nearest = origin + s.unsqueeze(2) * direction;
    return (nearest - low).square().sum(2) <= radius_ * radius_;
  }
  const Tensor a = (low - origin) / direction, b = (row(high_, origin) - origin) / direction;
  const Tensor enter = std::get<0>(torch::minimum(a, b).max(2)), leave = std::get<0>(torch::maximum(a, b).min(2));
  return (enter <= leave) & (leave > 0);
}

Parts split(const gaussians::Cloud& cloud, const Tensor& inside) {
  Parts parts{.inside = asset::selected(cloud, inside.nonzero().squeeze(1)),
              .outside = asset::selected(cloud, inside.logical_not().nonzero().squeeze(1))};
  if (parts.inside.count() == 0) {
    const Tensor low = std::get<0>(cloud.means.min(0)).cpu(), high = std::get<0>(cloud.means.max(0)).cpu();
    throw UserError({.what_happened = fmt::format("the mask holds none of the {} Gaussians", cloud.count()),
                     .key = "mask",
                     .hint = fmt::format("they lie between ({:.2f}, {:.2f}, {:.2f}) and ({:.2f}, {:.2f}, {:.2f})",
                                         low[0].item<double>(), low[1].item<double>(), low[2].item<double>(),
                                         high[0].item<double>(), high[1].item<double>(), high[2].item<double>())});
  }
  return parts;
}

}  // namespace lucid::edit
