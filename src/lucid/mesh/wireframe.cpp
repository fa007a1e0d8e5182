// SPDX-License-Identifier: Apache-2.0
// Pictures of a mesh's triangles: faces shaded by their angle to the viewer, edges as dark lines.
#include <algorithm>
#include <cmath>

#include "lucid/base/error.h"
#include "lucid/base/parallel.h"
#include "lucid/mesh/rasterize_mesh.h"
#include "lucid/mesh/screen_vertex.h"

namespace lucid::mesh {
namespace {

constexpr float kFacing = 0.95f, kGrazing = 0.55f;  // brightness of a face seen from the front and from the side
constexpr float kLine = 0.25f;                      // brightness of edges
constexpr float kLineHalfWidth = 0.4f;              // pixels of the result

/// Brightness of a face by the angle between its normal and the ray from the camera.
float face_brightness(const std::array<Point, 3>& corners, const Point& eye) {
  float length = 0, distance = 0;
  const Point normal = normalized(cross(corners[1] - corners[0], corners[2] - corners[0]), &length);
  const Point middle = (1.0f / 3) * (corners[0] + corners[1] + corners[2]);
  const Point ray = normalized(middle - eye, &distance);
  return kGrazing + (kFacing - kGrazing) * std::abs(dot(normal, ray));
}

/// Distance in pixels from a point inside a triangle to its nearest edge.
double edge_distance(const std::array<ScreenVertex, 3>& corners, double x, double y) {
  double nearest = 1e30;
  for (size_t k = 0; k < 3; ++k) {
    const ScreenVertex &a = corners[k], &b = corners[(k + 1) % 3];
    const double dx = b.x - a.x, dy = b.y - a.y, length = std::hypot(dx, dy);
    if (length > 0) nearest = std::min(nearest, std::abs(dx * (y - a.y) - dy * (x - a.x)) / length);
  }
  return nearest;
}

Point centre_of(const Camera& camera) {
  const auto& m = camera.camera_from_world;
  double centre[3] = {};
  for (size_t row = 0; row < 3; ++row) {
    for (size_t k = 0; k < 3; ++k) centre[k] -= m[4 * row + k] * m[4 * row + 3];
  }
  return {float(centre[0]), float(centre[1]), float(centre[2])};
}

}  // namespace

std::vector<float> wireframe(const TriangleMesh& mesh, const Camera& camera, int supersampling) {
  LUCID_CHECK(supersampling >= 1, "supersampling {}", supersampling);
  Camera fine = camera;
  fine.width *= supersampling;
  fine.height *= supersampling;
  const MeshPicture samples = rasterize_mesh(mesh.positions, mesh.triangles, fine);
  const std::vector<ScreenVertex> screen = project_vertices(mesh.positions, fine);
  const Point eye = centre_of(camera);
  const double half_width = double(kLineHalfWidth) * supersampling;

  const auto brightness = [&](size_t x, size_t y) {
    const size_t sample = y * size_t(fine.width) + x;
    if (samples.triangle[sample] < 0) return 1.0f;
    const Triangle& t = mesh.triangles[size_t(samples.triangle[sample])];
    const double distance = edge_distance({screen[t[0]], screen[t[1]], screen[t[2]]}, double(x) + 0.5, double(y) + 0.5);
    const float line = float(std::clamp(half_width + 0.5 - distance, 0.0, 1.0));  // soft over one sample
    return std::lerp(face_brightness({mesh.positions[t[0]], mesh.positions[t[1]], mesh.positions[t[2]]}, eye), kLine,
                     line);
  };

  const size_t width = size_t(camera.width), pixels = width * size_t(camera.height), step = size_t(supersampling);
  std::vector<float> out(3 * pixels);
  parallel_for(int64_t(pixels), 2048, [&](int64_t pixel) {
    const size_t i = size_t(pixel), x0 = i % width * step, y0 = i / width * step;
    float sum = 0;
    for (size_t y = y0; y < y0 + step; ++y) {
      for (size_t x = x0; x < x0 + step; ++x) sum += brightness(x, y);
    }
    out[i] = out[pixels + i] = out[2 * pixels + i] = sum / float(supersampling * supersampling);
  });
  return out;
}

}  // namespace lucid::mesh
