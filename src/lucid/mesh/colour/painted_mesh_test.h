// SPDX-License-Identifier: Apache-2.0
// Test helpers of baking: meshes with closed-form texture coordinates, known paint, and pictures of them.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "lucid/mesh/cloud_pictures.h"
#include "lucid/mesh/rasterize_mesh.h"
#include "lucid/mesh/triangle_mesh.h"

namespace lucid::mesh::test {

/// A cube of side 1.2 around the origin with six charts in 3 x 2 cells; each face has `steps` x `steps` squares.
inline TriangleMesh cube(int steps) {
  constexpr float kHalf = 0.6f, kMargin = 0.02f;
  TriangleMesh mesh;
  for (int face = 0; face < 6; ++face) {
    const int axis = face / 2, sign = face % 2 == 0 ? 1 : -1;
    const auto first = uint32_t(mesh.positions.size());
    for (int j = 0; j <= steps; ++j) {
      for (int i = 0; i <= steps; ++i) {
        const auto coordinate = [&](int k) { return 2 * kHalf * float(k) / float(steps) - kHalf; };
        float p[3];
        p[axis] = kHalf * float(sign);
        p[(axis + 1) % 3] = coordinate(sign > 0 ? i : steps - i);
        p[(axis + 2) % 3] = coordinate(j);
        mesh.positions.push_back({p[0], p[1], p[2]});
        const auto place = [&](int cell, int cells, int k) {
          const float width = 1 / float(cells);
          return width * float(cell) + kMargin + (width - 2 * kMargin) * float(k) / float(steps);
        };
        mesh.uvs.push_back({place(face % 3, 3, i), place(face / 3, 2, j)});
      }
    }
    const auto at = [&](int i, int j) { return first + uint32_t(j * (steps + 1) + i); };
    for (int j = 0; j < steps; ++j) {
      for (int i = 0; i < steps; ++i) {
        mesh.triangles.push_back({at(i, j), at(i + 1, j), at(i + 1, j + 1)});
        mesh.triangles.push_back({at(i, j), at(i + 1, j + 1), at(i, j + 1)});
      }
    }
  }
  mesh.normals = vertex_normals(mesh);
  return mesh;
}

/// A sphere of radius 0.7 with one chart: longitude and latitude.
inline TriangleMesh sphere(int steps) {
  TriangleMesh mesh;
  for (int j = 0; j <= steps; ++j) {
    for (int i = 0; i <= 2 * steps; ++i) {
      const double theta = std::numbers::pi * j / steps;
      const double phi = i == 2 * steps ? 0 : std::numbers::pi * i / steps;  // both sides of the seam are equal
      const double radius = j == 0 || j == steps ? 0 : 0.7 * std::sin(theta);
      mesh.positions.push_back(
          {float(radius * std::cos(phi)), float(radius * std::sin(phi)), float(0.7 * std::cos(theta))});
      mesh.uvs.push_back({0.01f + 0.98f * float(i) / float(2 * steps), 0.01f + 0.98f * float(j) / float(steps)});
    }
  }
  const auto at = [&](int i, int j) { return uint32_t(j * (2 * steps + 1) + i); };
  for (int j = 0; j < steps; ++j) {
    for (int i = 0; i < 2 * steps; ++i) {
      if (j > 0) mesh.triangles.push_back({at(i, j), at(i + 1, j + 1), at(i + 1, j)});
      if (j + 1 < steps) mesh.triangles.push_back({at(i, j), at(i, j + 1), at(i + 1, j + 1)});
    }
  }
  mesh.normals = vertex_normals(mesh);
  return mesh;
}

/// A smooth pattern in space with waves of about `waves` a unit. Each channel in [0.1, 0.9].
inline Vec3<float> paint(const Point& p, float waves) {
  const float w = 2 * std::numbers::pi_v<float> * waves;
  return {0.5f + 0.4f * std::sin(w * p.x) * std::cos(w * p.z), 0.5f + 0.4f * std::sin(w * p.y + 1),
          0.5f + 0.4f * std::cos(w * (p.x + p.y - p.z))};
}

/// Pictures of a mesh whose colour at position p is colour(p): 2 x 2 samples a pixel over black.
template <class ColourAt>
std::vector<CloudPicture> pictures_of(const TriangleMesh& mesh, const std::vector<Camera>& cameras,
                                      const ColourAt& colour) {
  constexpr int kSamples = 2;
  std::vector<CloudPicture> pictures;
  for (const Camera& camera : cameras) {
    Camera fine = camera;
    fine.width *= kSamples;
    fine.height *= kSamples;
    const MeshPicture seen = rasterize_mesh(mesh.positions, mesh.triangles, fine);
    const size_t width = size_t(camera.width), pixels = width * size_t(camera.height);
    CloudPicture picture{camera, std::vector<float>(3 * pixels), std::vector<float>(pixels),
                         std::vector<float>(pixels)};
    for (size_t s = 0; s < seen.triangle.size(); ++s) {
      if (seen.triangle[s] < 0) continue;
      const Triangle& t = mesh.triangles[size_t(seen.triangle[s])];
      const Vec2<float> b = seen.barycentric[s];
      const Vec3<float> c =
          colour((1 - b.x - b.y) * mesh.positions[t[0]] + b.x * mesh.positions[t[1]] + b.y * mesh.positions[t[2]]);
      const size_t pixel = s / (kSamples * width) / kSamples * width + s % (kSamples * width) / kSamples;
      constexpr float kShare = 1.0f / (kSamples * kSamples);
      picture.rgb[pixel] += kShare * c.x;
      picture.rgb[pixels + pixel] += kShare * c.y;
      picture.rgb[2 * pixels + pixel] += kShare * c.z;
      picture.alpha[pixel] += kShare;
      picture.depth[pixel] += kShare * seen.depth[s];
    }
    pictures.push_back(std::move(picture));
  }
  return pictures;
}

/// PSNR of the mesh's own pictures over white against the given ones.
inline double psnr(const TriangleMesh& mesh, const std::vector<CloudPicture>& pictures) {
  double sum = 0;
  size_t count = 0;
  for (const CloudPicture& picture : pictures) {
    const ShadedPicture shaded = shade(mesh, picture.camera, {1, 1, 1});
    const size_t pixels = picture.alpha.size();
    for (size_t i = 0; i < shaded.rgb.size(); ++i) {
      const double difference = double(shaded.rgb[i] - picture.rgb[i] - (1 - picture.alpha[i % pixels]));
      sum += difference * difference;
    }
    count += shaded.rgb.size();
  }
  return sum > 0 ? -10 * std::log10(sum / double(count)) : std::numeric_limits<double>::infinity();
}

}  // namespace lucid::mesh::test
