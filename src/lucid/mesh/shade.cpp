// SPDX-License-Identifier: Apache-2.0
// Unlit pictures of a mesh: trilinear texture or interpolated vertex colours, averaged over the samples of each pixel.
#include <algorithm>
#include <cmath>

#include "lucid/base/error.h"
#include "lucid/base/parallel.h"
#include "lucid/mesh/rasterize_mesh.h"
#include "lucid/mesh/screen_vertex.h"
#include "lucid/mesh/texture_sampling.h"

namespace lucid::mesh {
namespace {

using Rgb = Vec3<float>;  // 0 to 255

Rgb rgb_of(const Colour& c) { return {float(c[0]), float(c[1]), float(c[2])}; }
Rgb mix(const Rgb& a, const Rgb& b, float weight_of_b) { return a + weight_of_b * (b - a); }

struct MipLevel {
  int width = 0, height = 0;
  std::vector<Rgb> texels;  // [height * width]

  const Rgb& at(int x, int y) const { return texels[size_t(y) * size_t(width) + size_t(x)]; }
  Rgb read(Vec2<float> uv) const {
    const BilinearTaps t(uv, width, height);
    return mix(mix(at(t.x0, t.y0), at(t.x1, t.y0), t.fx), mix(at(t.x0, t.y1), at(t.x1, t.y1), t.fx), t.fy);
  }
};

MipLevel next_level(const MipLevel& fine) {
  MipLevel coarse{next_level_size(fine.width), next_level_size(fine.height), {}};
  coarse.texels.resize(size_t(coarse.width) * size_t(coarse.height));
  parallel_for(coarse.height, 64, [&](int64_t row) {
    const int y = int(row), y0 = 2 * y, y1 = std::min(2 * y + 1, fine.height - 1);
    for (int x = 0; x < coarse.width; ++x) {
      const int x0 = 2 * x, x1 = std::min(2 * x + 1, fine.width - 1);
      const Rgb sum = fine.at(x0, y0) + fine.at(x1, y0) + fine.at(x0, y1) + fine.at(x1, y1);
      coarse.texels[size_t(y) * size_t(coarse.width) + size_t(x)] = 0.25f * sum;
    }
  });
  return coarse;
}

std::vector<MipLevel> mip_chain(const Texture& texture) {
  std::vector<MipLevel> chain(1);
  if (texture.width == 0) return {};
  chain[0] = {texture.width, texture.height, {}};
  for (const Colour& c : texture.pixels) chain[0].texels.push_back(rgb_of(c));
  while (chain.back().width > 1 || chain.back().height > 1) chain.push_back(next_level(chain.back()));
  return chain;
}

Rgb read_trilinear(const std::vector<MipLevel>& chain, Vec2<float> uv, float level) {
  const float clamped = std::clamp(level, 0.0f, float(chain.size() - 1));
  const size_t fine = std::min(size_t(clamped), chain.size() - 1), coarse = std::min(fine + 1, chain.size() - 1);
  const float weight = clamped - float(fine);
  return weight > 0 ? mix(chain[fine].read(uv), chain[coarse].read(uv), weight) : chain[fine].read(uv);
}

/// The colours of a mesh's pixels in one view.
class Shader {
 public:
  Shader(const TriangleMesh& mesh, const Camera& camera)
      : mesh_(mesh), chain_(mip_chain(mesh.texture)), screen_(project_vertices(mesh.positions, camera)) {
    LUCID_CHECK(chain_.empty() || mesh.uvs.size() == mesh.positions.size(), "{} uvs of {} vertices", mesh.uvs.size(),
                mesh.positions.size());
  }

  Rgb colour(size_t triangle, Vec2<float> barycentric, float z) const {
    const Triangle& t = mesh_.triangles[triangle];
    const float second = barycentric.x, third = barycentric.y, first = 1 - second - third;
    if (!chain_.empty()) {
      const std::array<Vec2<float>, 3> uvs{mesh_.uvs[t[0]], mesh_.uvs[t[1]], mesh_.uvs[t[2]]};
      const Vec2<float> uv{first * uvs[0].x + second * uvs[1].x + third * uvs[2].x,
                           first * uvs[0].y + second * uvs[1].y + third * uvs[2].y};
      const TexturedTriangle textured({screen_[t[0]], screen_[t[1]], screen_[t[2]]}, uvs);
      return read_trilinear(chain_, uv, textured.level(uv, z, chain_[0].width, chain_[0].height));
    }
    if (!mesh_.colours.empty()) {
      return first * rgb_of(mesh_.colours[t[0]]) + second * rgb_of(mesh_.colours[t[1]]) +
             third * rgb_of(mesh_.colours[t[2]]);
    }
    return {255, 255, 255};
  }

 private:
  const TriangleMesh& mesh_;
  std::vector<MipLevel> chain_;
  std::vector<ScreenVertex> screen_;
};

}  // namespace

ShadedPicture shade(const TriangleMesh& mesh, const Camera& camera, const std::array<float, 3>& background,
                    int supersampling) {
  LUCID_CHECK(supersampling >= 1, "supersampling {}", supersampling);
  Camera fine = camera;
  fine.width *= supersampling;
  fine.height *= supersampling;
  const MeshPicture samples = rasterize_mesh(mesh.positions, mesh.triangles, fine);
  const Shader shader(mesh, fine);

  const size_t width = size_t(camera.width), pixels = width * size_t(camera.height);
  ShadedPicture out;
  out.rgb.resize(3 * pixels);
  out.alpha.resize(pixels);
  const float share = 1 / float(supersampling * supersampling);
  parallel_for(int64_t(pixels), 2048, [&](int64_t pixel) {
    const size_t i = size_t(pixel), x0 = i % width * size_t(supersampling), y0 = i / width * size_t(supersampling);
    Rgb sum{};
    float covered = 0;
    for (size_t y = y0; y < y0 + size_t(supersampling); ++y) {
      for (size_t x = x0; x < x0 + size_t(supersampling); ++x) {
        const size_t s = y * size_t(fine.width) + x;
        if (samples.triangle[s] < 0) continue;
        sum = sum + shader.colour(size_t(samples.triangle[s]), samples.barycentric[s], samples.depth[s]);
        covered += share;
      }
    }
    out.alpha[i] = covered;
    out.rgb[i] = share / 255 * sum.x + (1 - covered) * background[0];
    out.rgb[pixels + i] = share / 255 * sum.y + (1 - covered) * background[1];
    out.rgb[2 * pixels + i] = share / 255 * sum.z + (1 - covered) * background[2];
  });
  return out;
}

}  // namespace lucid::mesh
