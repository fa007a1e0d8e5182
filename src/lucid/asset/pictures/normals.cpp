// SPDX-License-Identifier: Apache-2.0
// Normals from depth, on the CPU, pixel by pixel.
#include "lucid/asset/pictures/normals.h"

#include <ATen/Parallel.h>

#include <cmath>

#include "lucid/base/error.h"
#include "lucid/math/vec.h"

namespace lucid::asset {
namespace {

using Vec = Vec3<float>;

/// The points that a depth image shows, in camera axes (x right, y down, z forward).
struct Surface {
  const float *depth, *alpha;  // [H,W]
  int64_t width, height;
  float slope_x, slope_y;  // x/z and y/z per pixel

  bool holds(int64_t x, int64_t y) const {
    return x >= 0 && x < width && y >= 0 && y < height && alpha[y * width + x] >= kSurfaceAlpha;
  }
  Vec point(int64_t x, int64_t y) const {
    const float z = depth[y * width + x] / alpha[y * width + x];
    const auto column = static_cast<float>(x) - static_cast<float>(width - 1) / 2;
    const auto row = static_cast<float>(y) - static_cast<float>(height - 1) / 2;
    return {column * slope_x * z, row * slope_y * z, z};
  }
  Vec tangent(int64_t x, int64_t y, int64_t dx, int64_t dy) const;
};

/// The derivative of the point along (dx, dy), which is one pixel to the right or down; of any length.
Vec Surface::tangent(int64_t x, int64_t y, int64_t dx, int64_t dy) const {
  // Steps in z to the two sides differ at an edge of the surface; on the surface they differ by noise and curvature,
  // which this much of a step allows for: three times the other, and a slope of 45 degrees.
  constexpr float kRatio = 3;
  const Vec here = point(x, y);
  const bool has_before = holds(x - dx, y - dy), has_after = holds(x + dx, y + dy);
  if (!has_before && !has_after) return {static_cast<float>(dx), static_cast<float>(dy), 0};
  if (!has_after) return here - point(x - dx, y - dy);
  if (!has_before) return point(x + dx, y + dy) - here;
  const Vec before = point(x - dx, y - dy), after = point(x + dx, y + dy);
  const float step_before = std::abs(here.z - before.z), step_after = std::abs(after.z - here.z);
  const float floor = here.z * (dx != 0 ? slope_x : slope_y);
  if (step_after > kRatio * step_before + floor) return here - before;
  if (step_before > kRatio * step_after + floor) return after - here;
  return after - before;
}

}  // namespace

torch::Tensor normals_of_depth(const torch::Tensor& depth, const torch::Tensor& alpha, const Camera& camera) {
  LUCID_CHECK(depth.dim() == 3 && depth.size(0) == 1 && depth.sizes() == alpha.sizes(), "{} and {} dimensions",
              depth.dim(), alpha.dim());
  const torch::NoGradGuard no_grad;
  const torch::Tensor depths = depth.detach().cpu().to(torch::kFloat32).contiguous();
  const torch::Tensor alphas = alpha.detach().cpu().to(torch::kFloat32).contiguous();
  const int64_t height = depth.size(1), width = depth.size(2), pixels = height * width;
  const Surface surface{.depth = depths.data_ptr<float>(),
                        .alpha = alphas.data_ptr<float>(),
                        .width = width,
                        .height = height,
                        .slope_x = static_cast<float>(2 * camera.tan_half_fov_x / static_cast<double>(width)),
                        .slope_y = static_cast<float>(2 * camera.tan_half_fov_y / static_cast<double>(height))};
  torch::Tensor normals = torch::zeros({3, height, width});
  float* out = normals.data_ptr<float>();
  at::parallel_for(0, height, 16, [&](int64_t begin, int64_t end) {
    for (int64_t y = begin; y < end; ++y) {
      for (int64_t x = 0; x < width; ++x) {
        if (!surface.holds(x, y)) continue;
        float length = 0;
        Vec normal = normalized(cross(surface.tangent(x, y, 1, 0), surface.tangent(x, y, 0, 1)), &length);
        if (dot(normal, surface.point(x, y)) > 0) normal = -1.0F * normal;
        float* at = out + y * width + x;
        at[0] = normal.x;
        at[pixels] = -normal.y;  // the camera's y goes down and its z away
        at[2 * pixels] = -normal.z;
      }
    }
  });
  return normals;
}

}  // namespace lucid::asset
