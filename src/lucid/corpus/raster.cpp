// SPDX-License-Identifier: Apache-2.0
// Deferred shading in two passes: find the nearest triangle at each sample with integer edge functions, so that
// adjacent triangles leave no gap and do not overlap; then shade the visible samples only.
#include "lucid/corpus/raster.h"

#include <algorithm>
#include <cmath>

#include "lucid/base/error.h"
#include "lucid/corpus/surface.h"

namespace lucid::corpus {
namespace {

constexpr float kNearPlane = 0.01f;
constexpr float kSolid = 0.95f;      // materials of this opacity or more are opaque
constexpr float kHoleAlpha = 0.35f;  // alpha below this is a hole; under a half, so that far leaves do not vanish
constexpr int kSubBits = 8;          // vertices are snapped to 1/256 of a sample
constexpr float kFarAway = 1.0e6f;   // limit of coordinates in samples; keeps the edge functions far from overflow

int64_t snapped(float v) { return static_cast<int64_t>(std::floor(v * (1 << kSubBits) + 0.5f)); }

struct Edge {
  int64_t value = 0, step_x = 0, step_y = 0;
};

/// Edge function at sample position (x, y), >= 0 inside a triangle of positive area. Fill rule: a sample on a shared
/// edge belongs to one of the two triangles.
Edge edge_of(const std::array<int64_t, 2>& from, const std::array<int64_t, 2>& to, int64_t x, int64_t y) {
  const int64_t dx = to[0] - from[0], dy = to[1] - from[1];
  const bool owns = dy < 0 || (dy == 0 && dx > 0);
  return {.value = dx * (y - from[1]) - dy * (x - from[0]) - (owns ? 0 : 1),
          .step_x = -dy * (1 << kSubBits),
          .step_y = dx * (1 << kSubBits)};
}

}  // namespace

/// Second pass: shades samples of one picture.
struct Renderer::Shader {
  const Renderer& renderer;
  const Mesh& mesh;
  const Camera& camera;
  const Light& light;

  ScreenTriangle on_screen(const Triangle& triangle) const {
    std::array<float, 3> x{}, y{}, inv_z{};
    for (size_t i = 0; i < 3; ++i) {
      const Corner& corner = renderer.corners_[static_cast<size_t>(triangle.position[i])];
      x[i] = corner.x;
      y[i] = corner.y;
      inv_z[i] = corner.inv_z;
    }
    return {x, y, inv_z};
  }

  Float3 toward_viewer(float x, float y) const {
    const auto& m = camera.camera_from_world;
    const double grid = renderer.grid_;
    const double cx = (2 * x / grid - 1) * camera.tan_half_fov_x, cy = (2 * y / grid - 1) * camera.tan_half_fov_y;
    return {static_cast<float>(-(m[0] * cx + m[4] * cy + m[8])), static_cast<float>(-(m[1] * cx + m[5] * cy + m[9])),
            static_cast<float>(-(m[2] * cx + m[6] * cy + m[10]))};
  }

  /// Lit colour and alpha, not premultiplied.
  std::array<float, 4> at(const Triangle& triangle, const ScreenTriangle& screen, float x, float y) const {
    const ScreenTriangle::Weights weights = screen.at(x, y);
    const Material& material = mesh.materials[static_cast<size_t>(triangle.material)];
    std::array<float, 4> colour = surface_colour(material, triangle, weights);
    Float3 n{};
    for (size_t i = 0; i < 3; ++i) {
      n = n + weights.corner[i] * mesh.normals[static_cast<size_t>(triangle.normal[i])];
    }
    const float length = std::sqrt(dot(n, n));
    float scale = length > 0 ? 1 / length : 0;
    if (dot(n, toward_viewer(x, y)) < 0) scale = -scale;
    const float shade =
        light.ambient + light.diffuse * std::max(0.0f, scale * dot(n, light.direction)) + light.sky * scale * n.z;
    for (size_t c = 0; c < 3; ++c) colour[c] = std::clamp(colour[c] * shade, 0.0f, 1.0f);
    colour[3] = material.opacity < kSolid ? material.opacity : 1;
    return colour;
  }
};

Renderer::Renderer(int size, int supersampling) : size_(size), per_side_(supersampling), grid_(size * supersampling) {
  LUCID_CHECK(size > 0 && supersampling > 0 && grid_ <= 1 << 14, "size {}, supersampling {}", size, supersampling);
  const auto samples = static_cast<size_t>(grid_) * static_cast<size_t>(grid_);
  solid_.resize(samples);
  glass_.resize(samples);
  colour_.resize(4 * samples);
}

void Renderer::project(const Mesh& mesh, const Camera& camera) {
  float m[12];
  std::copy_n(camera.camera_from_world.begin(), 12, m);
  const auto half = static_cast<float>(grid_) / 2;
  const auto scale_x = static_cast<float>(half / camera.tan_half_fov_x);
  const auto scale_y = static_cast<float>(half / camera.tan_half_fov_y);
  corners_.resize(mesh.positions.size());
  for (size_t i = 0; i < corners_.size(); ++i) {
    const Float3& p = mesh.positions[i];
    const float z = m[8] * p.x + m[9] * p.y + m[10] * p.z + m[11];
    if (!(z > kNearPlane)) {
      corners_[i] = {};
      continue;
    }
    const float inv_z = 1 / z;
    corners_[i] = {half + scale_x * inv_z * (m[0] * p.x + m[1] * p.y + m[2] * p.z + m[3]),
                   half + scale_y * inv_z * (m[4] * p.x + m[5] * p.y + m[6] * p.z + m[7]), inv_z};
    if (!(std::abs(corners_[i].x) < kFarAway && std::abs(corners_[i].y) < kFarAway)) corners_[i] = {};
  }
}

void Renderer::rasterize(const Mesh& mesh, int32_t number) {
  const Triangle& triangle = mesh.triangles[static_cast<size_t>(number)];
  const Corner* corner[3];
  for (size_t i = 0; i < 3; ++i) {
    corner[i] = corners_.data() + triangle.position[i];
    if (corner[i]->inv_z == 0) return;
  }
  const auto [low_x, high_x] = std::minmax({corner[0]->x, corner[1]->x, corner[2]->x});
  const auto [low_y, high_y] = std::minmax({corner[0]->y, corner[1]->y, corner[2]->y});
  // Range of samples whose centres can be covered, with slack for the snapping; often empty for small triangles.
  constexpr float kSlack = 1.0f / (1 << kSubBits);
  const auto limit = static_cast<float>(grid_ - 1);
  const float first_x = std::max(std::ceil(low_x - 0.5f - kSlack), 0.0f);
  const float last_x = std::min(std::floor(high_x - 0.5f + kSlack), limit);
  const float first_y = std::max(std::ceil(low_y - 0.5f - kSlack), 0.0f);
  const float last_y = std::min(std::floor(high_y - 0.5f + kSlack), limit);
  if (first_x > last_x || first_y > last_y) return;
  const int x0 = static_cast<int>(first_x), x1 = static_cast<int>(last_x);
  const int y0 = static_cast<int>(first_y), y1 = static_cast<int>(last_y);

  std::array<std::array<int64_t, 2>, 3> p;
  for (size_t i = 0; i < 3; ++i) p[i] = {snapped(corner[i]->x), snapped(corner[i]->y)};
  const int64_t area = (p[1][0] - p[0][0]) * (p[2][1] - p[0][1]) - (p[2][0] - p[0][0]) * (p[1][1] - p[0][1]);
  if (area == 0) return;
  const size_t second = area > 0 ? 1 : 2, third = area > 0 ? 2 : 1;
  const int64_t x = (int64_t{x0} << kSubBits) + (1 << (kSubBits - 1)),
                y = (int64_t{y0} << kSubBits) + (1 << (kSubBits - 1));
  // Edge i is opposite corner i, so its value is that corner's barycentric weight.
  Edge edges[3] = {edge_of(p[second], p[third], x, y), edge_of(p[third], p[0], x, y), edge_of(p[0], p[second], x, y)};
  const float inv_z[3] = {corner[0]->inv_z, corner[second]->inv_z, corner[third]->inv_z};
  const double inverse = 1.0 / static_cast<double>(std::abs(area));
  double inv_z_row = 0, inv_z_x = 0, inv_z_y = 0;
  for (size_t i = 0; i < 3; ++i) {
    inv_z_row += static_cast<double>(edges[i].value) * inverse * inv_z[i];
    inv_z_x += static_cast<double>(edges[i].step_x) * inverse * inv_z[i];
    inv_z_y += static_cast<double>(edges[i].step_y) * inverse * inv_z[i];
  }
  const Material& material = mesh.materials[static_cast<size_t>(triangle.material)];
  std::vector<Sample>& layer = material.opacity < kSolid ? glass_ : solid_;
  const bool cut_out = material.texture != nullptr && material.texture->cut_out;
  const auto is_solid = [&](int column, int row) {
    const ScreenTriangle screen({corner[0]->x, corner[1]->x, corner[2]->x}, {corner[0]->y, corner[1]->y, corner[2]->y},
                                {corner[0]->inv_z, corner[1]->inv_z, corner[2]->inv_z});
    const auto weights = screen.at(static_cast<float>(column) + 0.5f, static_cast<float>(row) + 0.5f);
    return surface_colour(material, triangle, weights)[3] >= kHoleAlpha;
  };
  for (int row = y0; row <= y1; ++row, inv_z_row += inv_z_y) {
    int64_t a = edges[0].value, b = edges[1].value, c = edges[2].value;
    Sample* sample = layer.data() + static_cast<size_t>(row) * static_cast<size_t>(grid_) + x0;
    for (int column = x0; column <= x1; ++column, ++sample) {
      if ((a | b | c) >= 0) {
        const auto here = static_cast<float>(inv_z_row + inv_z_x * (column - x0));
        if (here > sample->inv_z && (!cut_out || is_solid(column, row))) *sample = {here, number};
      }
      a += edges[0].step_x;
      b += edges[1].step_x;
      c += edges[2].step_x;
    }
    for (Edge& edge : edges) edge.value += edge.step_y;
  }
}

Renderer::Region Renderer::covered_region() const {
  float low_x = kFarAway, high_x = -kFarAway, low_y = kFarAway, high_y = -kFarAway;
  for (const Corner& corner : corners_) {
    if (corner.inv_z == 0) continue;
    low_x = std::min(low_x, corner.x);
    high_x = std::max(high_x, corner.x);
    low_y = std::min(low_y, corner.y);
    high_y = std::max(high_y, corner.y);
  }
  // One sample of slack, as in rasterize(), then rounded out to whole pixels.
  const auto begin = [&](float low) {
    return static_cast<int>(std::clamp(std::floor(low) - 1, 0.0f, static_cast<float>(grid_))) / per_side_ * per_side_;
  };
  const auto end = [&](float high) {
    const int beyond = static_cast<int>(std::clamp(std::ceil(high) + 2, 0.0f, static_cast<float>(grid_)));
    return std::min((beyond + per_side_ - 1) / per_side_ * per_side_, grid_);
  };
  return {.x0 = begin(low_x), .x1 = end(high_x), .y0 = begin(low_y), .y1 = end(high_y)};
}

void Renderer::shade(const Shader& shader, bool glass) {
  const std::vector<Sample>& layer = glass ? glass_ : solid_;
  int32_t last = -1;
  ScreenTriangle screen({}, {}, {});
  for (int row = region_.y0; row < region_.y1; ++row) {
    for (int column = region_.x0; column < region_.x1; ++column) {
      const size_t i = static_cast<size_t>(row) * static_cast<size_t>(grid_) + static_cast<size_t>(column);
      float* under = colour_.data() + 4 * i;
      if (!glass) std::fill_n(under, 4, 0.0f);
      const int32_t number = layer[i].triangle;
      if (number < 0 || (glass && layer[i].inv_z <= solid_[i].inv_z)) continue;
      const Triangle& triangle = shader.mesh.triangles[static_cast<size_t>(number)];
      if (number != last) screen = shader.on_screen(triangle);
      last = number;
      const auto colour =
          shader.at(triangle, screen, static_cast<float>(column) + 0.5f, static_cast<float>(row) + 0.5f);
      for (size_t c = 0; c < 3; ++c) under[c] = colour[3] * colour[c] + (1 - colour[3]) * under[c];
      under[3] = colour[3] + (1 - colour[3]) * under[3];
    }
  }
}

bool Renderer::rasterize_all(const Mesh& mesh, const Camera& camera) {
  const bool has_glass =
      std::ranges::any_of(mesh.materials, [](const Material& material) { return material.opacity < kSolid; });
  project(mesh, camera);
  region_ = covered_region();
  for (int row = region_.y0; row < region_.y1; ++row) {
    const std::ptrdiff_t start = static_cast<std::ptrdiff_t>(row) * grid_;
    if (region_.x1 <= region_.x0) break;
    std::fill(solid_.begin() + start + region_.x0, solid_.begin() + start + region_.x1, Sample{});
    if (has_glass) std::fill(glass_.begin() + start + region_.x0, glass_.begin() + start + region_.x1, Sample{});
  }
  for (size_t i = 0; i < mesh.triangles.size(); ++i) rasterize(mesh, static_cast<int32_t>(i));
  return has_glass;
}

void Renderer::draw(const Mesh& mesh, const Camera& camera, const Light& light, const PictureView& out) {
  const bool has_glass = rasterize_all(mesh, camera);
  const Shader shader{*this, mesh, camera, light};
  shade(shader, false);
  if (has_glass) shade(shader, true);
  resolve(out);
}

void Renderer::draw_depth(const Mesh& mesh, const Camera& camera, float* depth) {
  const bool has_glass = rasterize_all(mesh, camera);
  const auto side = static_cast<size_t>(grid_);
  std::fill_n(depth, side * side, 0.0f);
  for (auto row = static_cast<size_t>(region_.y0); row < static_cast<size_t>(region_.y1); ++row) {
    for (auto column = static_cast<size_t>(region_.x0); column < static_cast<size_t>(region_.x1); ++column) {
      const size_t i = row * side + column;
      const float inv_z = std::max(solid_[i].inv_z, has_glass ? glass_[i].inv_z : 0);
      if (inv_z > 0) depth[i] = 1 / inv_z;
    }
  }
}

void Renderer::resolve(const PictureView& out) const {
  const float scale = 255.0f / static_cast<float>(per_side_ * per_side_);
  const size_t pixels = static_cast<size_t>(size_) * static_cast<size_t>(size_);
  std::fill_n(out.rgb, 3 * pixels, uint8_t{255});
  std::fill_n(out.alpha, pixels, uint8_t{0});
  const auto byte = [](float v) { return static_cast<uint8_t>(std::clamp(v, 0.0f, 255.0f) + 0.5f); };
  for (int row = region_.y0 / per_side_; row < region_.y1 / per_side_; ++row) {
    for (int column = region_.x0 / per_side_; column < region_.x1 / per_side_; ++column) {
      float sum[4] = {};
      for (int dy = 0; dy < per_side_; ++dy) {
        const float* sample =
            colour_.data() + 4 * (static_cast<size_t>(row * per_side_ + dy) * static_cast<size_t>(grid_) +
                                  static_cast<size_t>(column * per_side_));
        for (int dx = 0; dx < per_side_; ++dx, sample += 4) {
          for (int c = 0; c < 4; ++c) sum[c] += sample[c];
        }
      }
      const size_t pixel = static_cast<size_t>(row) * static_cast<size_t>(size_) + static_cast<size_t>(column);
      const float white = 255 - scale * sum[3];
      for (size_t c = 0; c < 3; ++c) out.rgb[c * pixels + pixel] = byte(scale * sum[c] + white);
      out.alpha[pixel] = byte(scale * sum[3]);
    }
  }
}

}  // namespace lucid::corpus
