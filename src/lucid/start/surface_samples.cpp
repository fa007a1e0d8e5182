// SPDX-License-Identifier: Apache-2.0
// Stratified sampling of a mesh by area, and its colours.
#include "lucid/start/surface_samples.h"

#include <algorithm>
#include <cmath>

#include "lucid/mesh/texture_sampling.h"

namespace lucid::start {
namespace {

using mesh::Point;
using mesh::Triangle;
using mesh::TriangleMesh;
using Doubles = Vec3<double>;

Doubles doubles(const Point& p) { return {p.x, p.y, p.z}; }

/// Twice the area as length, in the direction of the normal.
Doubles area_vector(const TriangleMesh& mesh, const Triangle& t) {
  const Doubles a = doubles(mesh.positions[t[0]]);
  return cross(doubles(mesh.positions[t[1]]) - a, doubles(mesh.positions[t[2]]) - a);
}

double area_of(const TriangleMesh& mesh, const Triangle& t) {
  double twice = 0;
  normalized(area_vector(mesh, t), &twice);
  return twice / 2;
}

/// Points of a unit square that keep their distance: the additive recurrence R2 (Roberts 2018), from a random start.
class SpreadPoints {
 public:
  explicit SpreadPoints(Rng& rng) : u_(rng.uniform()), v_(rng.uniform()) {}
  /// Weights of a triangle's corners: the next point, folded into the lower half of the square.
  std::array<double, 3> next_weights() {
    u_ += 0.7548776662466927, v_ += 0.5698402909980532;
    u_ -= std::floor(u_), v_ -= std::floor(v_);
    return u_ + v_ <= 1 ? std::array{1 - u_ - v_, u_, v_} : std::array{u_ + v_ - 1, 1 - u_, 1 - v_};
  }

 private:
  double u_, v_;
};

/// Half the width and height: each texel is the mean of up to 2 x 2.
mesh::Texture halved(const mesh::Texture& from) {
  mesh::Texture to{
      .width = mesh::next_level_size(from.width), .height = mesh::next_level_size(from.height), .pixels = {}};
  to.pixels.resize(static_cast<size_t>(to.width) * static_cast<size_t>(to.height));
  for (int y = 0; y < to.height; ++y) {
    for (int x = 0; x < to.width; ++x) {
      std::array<int, 3> sum{};
      for (int k = 0; k < 4; ++k) {
        const int u = std::min(2 * x + k % 2, from.width - 1), v = std::min(2 * y + k / 2, from.height - 1);
        const mesh::Colour& texel =
            from.pixels[static_cast<size_t>(v) * static_cast<size_t>(from.width) + static_cast<size_t>(u)];
        for (size_t c = 0; c < 3; ++c) sum[c] += texel[c];
      }
      auto& texel = to.pixels[static_cast<size_t>(y) * static_cast<size_t>(to.width) + static_cast<size_t>(x)];
      for (size_t c = 0; c < 3; ++c) texel[c] = static_cast<uint8_t>((sum[c] + 2) / 4);
    }
  }
  return to;
}

/// The texture in the resolution of the samples: one texel is about what one of them stands for.
mesh::Texture texture_for(const TriangleMesh& mesh, int64_t count) {
  double share = 0;  // of the texture that the triangles use
  for (const Triangle& t : mesh.triangles) {
    const Vec2<float>&a = mesh.uvs[t[0]], &b = mesh.uvs[t[1]], &c = mesh.uvs[t[2]];
    share += std::abs((double{b.x} - a.x) * (double{c.y} - a.y) - (double{b.y} - a.y) * (double{c.x} - a.x)) / 2;
  }
  mesh::Texture texture = mesh.texture;
  double texels = share * texture.width * texture.height / static_cast<double>(count);  // a sample
  for (; texels >= 4 && std::max(texture.width, texture.height) > 1; texels /= 4) texture = halved(texture);
  return texture;
}

DisplayColour texel_at(const mesh::Texture& texture, Vec2<float> uv) {
  const mesh::BilinearTaps taps(uv, texture.width, texture.height);
  const auto at = [&](int x, int y) -> const mesh::Colour& {
    return texture.pixels[static_cast<size_t>(y) * static_cast<size_t>(texture.width) + static_cast<size_t>(x)];
  };
  DisplayColour colour{};
  for (size_t c = 0; c < 3; ++c) {
    const float top = (1 - taps.fx) * at(taps.x0, taps.y0)[c] + taps.fx * at(taps.x1, taps.y0)[c];
    const float bottom = (1 - taps.fx) * at(taps.x0, taps.y1)[c] + taps.fx * at(taps.x1, taps.y1)[c];
    colour[c] = ((1 - taps.fy) * top + taps.fy * bottom) / 255;
  }
  return colour;
}

/// What colours are read from; has none if the mesh has none.
class Paint {
 public:
  Paint(const TriangleMesh& mesh, int64_t count) : mesh_(mesh) {
    if (mesh.texture.width > 0) texture_ = texture_for(mesh, count);
  }
  bool exists() const { return texture_.width > 0 || !mesh_.colours.empty(); }
  DisplayColour at(const Triangle& t, const std::array<double, 3>& weights) const {
    if (texture_.width > 0) {
      Vec2<float> uv{};
      for (size_t k = 0; k < 3; ++k) {
        uv.x += static_cast<float>(weights[k]) * mesh_.uvs[t[k]].x;
        uv.y += static_cast<float>(weights[k]) * mesh_.uvs[t[k]].y;
      }
      return texel_at(texture_, uv);
    }
    DisplayColour colour{};
    for (size_t k = 0; k < 3; ++k) {
      for (size_t c = 0; c < 3; ++c) colour[c] += static_cast<float>(weights[k]) * mesh_.colours[t[k]][c] / 255;
    }
    return colour;
  }

 private:
  const TriangleMesh& mesh_;
  mesh::Texture texture_;
};

}  // namespace

SurfaceSamples sample_surface(const TriangleMesh& mesh, int64_t count, Rng& rng) {
  SurfaceSamples samples;
  for (const Triangle& t : mesh.triangles) samples.area += area_of(mesh, t);
  if (!(samples.area > 0) || !std::isfinite(samples.area)) return samples;
  const auto n = static_cast<size_t>(count);
  samples.positions.reserve(n);
  samples.normals.reserve(n);
  const Paint paint(mesh, count);
  if (paint.exists()) samples.colours.reserve(n);

  SpreadPoints spread(rng);
  size_t at = 0;  // the triangle; `end` is the area up to and with it
  double end = area_of(mesh, mesh.triangles[0]);
  for (int64_t i = 0; i < count; ++i) {
    const double wanted = (static_cast<double>(i) + rng.uniform()) / static_cast<double>(count) * samples.area;
    while (end <= wanted && at + 1 < mesh.triangles.size()) end += area_of(mesh, mesh.triangles[++at]);
    const Triangle& t = mesh.triangles[at];
    const std::array<double, 3> weights = spread.next_weights();
    Doubles position{};
    for (size_t k = 0; k < 3; ++k) position = position + weights[k] * doubles(mesh.positions[t[k]]);
    double length = 0;
    const Doubles normal = normalized(area_vector(mesh, t), &length);
    samples.positions.push_back({float(position.x), float(position.y), float(position.z)});
    samples.normals.push_back({float(normal.x), float(normal.y), float(normal.z)});
    if (paint.exists()) samples.colours.push_back(paint.at(t, weights));
  }
  return samples;
}

}  // namespace lucid::start
