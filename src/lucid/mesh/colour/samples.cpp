// SPDX-License-Identifier: Apache-2.0
// Colour samples and their weights.
#include "lucid/mesh/colour/samples.h"

#include <algorithm>
#include <cmath>

#include "lucid/base/parallel.h"
#include "lucid/mesh/rasterize_mesh.h"
#include "lucid/mesh/screen_vertex.h"
#include "lucid/mesh/texture_sampling.h"
#include "lucid/render/inputs.h"

namespace lucid::mesh {
namespace {

constexpr float kLeastFacing = 0.1f;           // cosine of the angle to the viewer at which the weight becomes zero
constexpr float kFaint = 0.3f, kSolid = 0.9f;  // alpha at which the weight is zero, and from which on it is full
constexpr float kOutlineWeight = 0.1f;         // factor at outlines: thin parts are seen nowhere else
/// A step in depth between neighbouring pixels, in pixels' widths, from which on it is taken for an outline. A surface
/// at 80 degrees to the viewer steps by 5.7.
constexpr float kOutlineStep = 8;

/// Whether an outline, of the mesh or of a nearer part of it, passes between the pixel and one of its neighbours.
bool at_outline(const MeshPicture& picture, int x, int y, float step) {
  const float depth = picture.depth[size_t(y) * size_t(picture.width) + size_t(x)];
  for (int v = std::max(y - 1, 0); v <= std::min(y + 1, picture.height - 1); ++v) {
    for (int u = std::max(x - 1, 0); u <= std::min(x + 1, picture.width - 1); ++u) {
      if (std::abs(picture.depth[size_t(v) * size_t(picture.width) + size_t(u)] - depth) > step) return true;
    }
  }
  return false;
}

template <class Value>
Value interpolate(const std::vector<Value>& values, const Triangle& t, Vec2<float> barycentric) {
  const float second = barycentric.x, third = barycentric.y, first = 1 - second - third;
  const Value &a = values[t[0]], &b = values[t[1]], &c = values[t[2]];
  if constexpr (requires { a.z; }) {
    return first * a + second * b + third * c;
  } else {
    return {first * a.x + second * b.x + third * c.x, first * a.y + second * b.y + third * c.y};
  }
}

/// One picture with what its pixels see of the mesh.
class SampledPicture {
 public:
  SampledPicture(const TriangleMesh& mesh, const CloudPicture& picture)
      : mesh_(mesh),
        picture_(picture),
        seen_(rasterize_mesh(mesh.positions, mesh.triangles, picture.camera)),
        screen_(project_vertices(mesh.positions, picture.camera)) {
    const render::View<double> view = render::make_view<double>(picture.camera);
    eye_ = {float(view.position.x), float(view.position.y), float(view.position.z)};
    outline_step_ = kOutlineStep / float(view.focal_x);
  }

  std::vector<ColourSample> samples() const {
    std::vector<ColourSample> all;
    for (int y = 0; y < seen_.height; ++y) {
      for (int x = 0; x < seen_.width; ++x) {
        const size_t pixel = size_t(y) * size_t(seen_.width) + size_t(x);
        if (seen_.triangle[pixel] < 0) continue;
        ColourSample sample;
        sample.triangle = uint32_t(seen_.triangle[pixel]);
        sample.barycentric = seen_.barycentric[pixel];
        const bool outline = at_outline(seen_, x, y, outline_step_ * seen_.depth[pixel]);
        sample.weight = facing(sample) * opaque(pixel) * (outline ? kOutlineWeight : 1);
        if (!(sample.weight > 0)) continue;
        sample.colour = colour(pixel, outline);
        if (!mesh_.uvs.empty()) add_footprint(pixel, &sample);
        all.push_back(sample);
      }
    }
    return all;
  }

 private:
  float facing(const ColourSample& sample) const {
    const Triangle& t = mesh_.triangles[sample.triangle];
    float length = 0;
    const Point normal = normalized(interpolate(mesh_.normals, t, sample.barycentric), &length);
    const Point to_eye = normalized(eye_ - interpolate(mesh_.positions, t, sample.barycentric), &length);
    return std::max(0.0f, dot(normal, to_eye) - kLeastFacing);
  }

  float opaque(size_t pixel) const {
    return std::clamp((picture_.alpha[pixel] - kFaint) / (kSolid - kFaint), 0.0f, 1.0f);
  }

  /// The picture's colour over white, which is what the mesh is compared with. At outlines the cloud's own colour: what
  /// shows behind it there is beyond the mesh.
  Vec3<float> colour(size_t pixel, bool outline) const {
    const size_t pixels = picture_.alpha.size();
    const float alpha = picture_.alpha[pixel], scale = outline ? 1 / alpha : 1, white = outline ? 0 : 1 - alpha;
    const auto channel = [&](size_t c) {
      return std::clamp(scale * picture_.rgb[c * pixels + pixel] + white, 0.0f, 1.0f);
    };
    return {channel(0), channel(1), channel(2)};
  }

  void add_footprint(size_t pixel, ColourSample* sample) const {
    const Triangle& t = mesh_.triangles[sample->triangle];
    const TexturedTriangle textured({screen_[t[0]], screen_[t[1]], screen_[t[2]]},
                                    {mesh_.uvs[t[0]], mesh_.uvs[t[1]], mesh_.uvs[t[2]]});
    sample->uv = interpolate(mesh_.uvs, t, sample->barycentric);
    sample->level = textured.level(sample->uv, seen_.depth[pixel], 1, 1);
  }

  const TriangleMesh& mesh_;
  const CloudPicture& picture_;
  MeshPicture seen_;
  std::vector<ScreenVertex> screen_;
  Point eye_;
  float outline_step_ = 0;  // at depth 1
};

}  // namespace

std::vector<std::vector<ColourSample>> colour_samples(const TriangleMesh& mesh,
                                                      std::span<const CloudPicture> pictures) {
  std::vector<std::vector<ColourSample>> samples(pictures.size());
  parallel_for(int64_t(pictures.size()), 1,
               [&](int64_t i) { samples[size_t(i)] = SampledPicture(mesh, pictures[size_t(i)]).samples(); });
  return samples;
}

}  // namespace lucid::mesh
