// SPDX-License-Identifier: Apache-2.0
// Scores of a mesh against pictures of the Gaussians: PSNR, mask IoU, outline F-score and the ceiling of opaque meshes.
#include "lucid/mesh/measure.h"

#include <algorithm>
#include <cstdint>

#include "lucid/mesh/rasterize_mesh.h"

namespace lucid::mesh {
namespace {

constexpr float kMaskAlpha = 0.5f;
constexpr int kOutlineReach = 2;  // pixels

using Mask = std::vector<char>;  // [H,W]

/// A picture's size and the mask of its alpha.
struct Outline {
  int width = 0, height = 0;
  Mask mask;  // [H,W] alpha > 0.5

  Outline(const Camera& camera, const std::vector<float>& alpha)
      : width(camera.width), height(camera.height), mask(alpha.size()) {
    for (size_t i = 0; i < alpha.size(); ++i) mask[i] = alpha[i] > kMaskAlpha;
  }

  /// Mask pixels with one of four neighbours outside the mask. The picture's border is no outline.
  Mask pixels() const {
    Mask edge(mask.size());
    const auto outside = [&](int x, int y) {
      return x >= 0 && x < width && y >= 0 && y < height && !mask[size_t(y) * size_t(width) + size_t(x)];
    };
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const size_t i = size_t(y) * size_t(width) + size_t(x);
        edge[i] = mask[i] && (outside(x - 1, y) || outside(x + 1, y) || outside(x, y - 1) || outside(x, y + 1));
      }
    }
    return edge;
  }
};

/// Whether `edge` has a pixel within kOutlineReach of (x, y).
bool near_edge(const Mask& edge, const Outline& size, int x, int y) {
  for (int v = std::max(0, y - kOutlineReach); v <= std::min(size.height - 1, y + kOutlineReach); ++v) {
    for (int u = std::max(0, x - kOutlineReach); u <= std::min(size.width - 1, x + kOutlineReach); ++u) {
      const int dx = u - x, dy = v - y;
      if (dx * dx + dy * dy > kOutlineReach * kOutlineReach) continue;
      if (edge[size_t(v) * size_t(size.width) + size_t(u)]) return true;
    }
  }
  return false;
}

/// Outline pixels, and how many of them lie near the other outline.
struct Matches {
  int64_t near = 0, all = 0;

  void add(const Mask& edge, const Mask& other, const Outline& size) {
    for (int y = 0; y < size.height; ++y) {
      for (int x = 0; x < size.width; ++x) {
        if (!edge[size_t(y) * size_t(size.width) + size_t(x)]) continue;
        ++all;
        near += near_edge(other, size, x, y);
      }
    }
  }
  double share() const { return all > 0 ? double(near) / double(all) : 0; }
};

struct Sums {
  SquaredErrors whole, inside, opaque;
  int64_t both = 0, either = 0;  // pixels in both masks, in one at least
  Matches mesh_outline, cloud_outline;

  void add(const CloudPicture& cloud, const ShadedPicture& mesh) {
    const Outline of_cloud(cloud.camera, cloud.alpha), of_mesh(cloud.camera, mesh.alpha);
    const size_t pixels = cloud.alpha.size();
    for (size_t i = 0; i < pixels; ++i) {
      const bool in_cloud = of_cloud.mask[i], in_mesh = of_mesh.mask[i];
      both += in_cloud && in_mesh;
      either += in_cloud || in_mesh;
      for (size_t k = 0; k < 3; ++k) {
        const double target = over_white(cloud, k * pixels + i);
        const double difference = std::clamp(mesh.rgb[k * pixels + i], 0.0f, 1.0f) - target;
        whole.add(difference);
        if (in_cloud && in_mesh) inside.add(difference);
        opaque.add(in_cloud ? 0 : 1 - target);
      }
    }
    const Mask cloud_edge = of_cloud.pixels(), mesh_edge = of_mesh.pixels();
    cloud_outline.add(cloud_edge, mesh_edge, of_cloud);
    mesh_outline.add(mesh_edge, cloud_edge, of_cloud);
  }

  double outline() const {
    if (cloud_outline.all == 0 && mesh_outline.all == 0) return 1;
    const double a = cloud_outline.share(), b = mesh_outline.share();
    return a + b > 0 ? 2 * a * b / (a + b) : 0;
  }
};

}  // namespace

MeshScore score(const TriangleMesh& mesh, const std::vector<CloudPicture>& pictures) {
  Sums sums;
  for (const CloudPicture& picture : pictures) sums.add(picture, shade(mesh, picture.camera, {1, 1, 1}));
  return {.psnr = sums.whole.psnr(),
          .psnr_inside = sums.inside.psnr(),
          .iou = sums.either > 0 ? double(sums.both) / double(sums.either) : 1,
          .outline = sums.outline(),
          .ceiling = sums.opaque.psnr()};
}

}  // namespace lucid::mesh
