// SPDX-License-Identifier: Apache-2.0
// Renders depth and colour from many sides and gathers the surface points of each cell.
#include "lucid/pretrain/shape/targets.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "lucid/camera/sampler.h"
#include "lucid/corpus/recolour.h"
#include "lucid/corpus/views.h"

namespace lucid::pretrain {
namespace {

using shape::kCells;
using shape::kCellSize;
using shape::kHalf;
using shape::kSide;

constexpr int kSurfaceSize = 192;  // pixels per side: a pixel is a fifth of a cell wide
struct Ring {
  double elevation;  // degrees
  int64_t views;
};
constexpr Ring kRings[] = {{-30, 10}, {0, 12}, {30, 12}, {60, 8}};
constexpr uint8_t kLeastAlpha = 64;
constexpr int64_t kLeastSamples = 3;    // of a cell: fewer are a corner of something that lies in its neighbour
constexpr int64_t kColourSamples = 12;  // of a cell, at most: of these its colours are means

struct SurfaceSample {
  int64_t cell = 0;
  std::array<float, 3> at{};  // in the cell, -0.5 to 0.5
  std::array<uint8_t, 3> rgb{};
};

/// Samples of one picture.
void gather(const std::vector<float>& depth, const corpus::Pictures& picture, const Camera& camera,
            std::vector<SurfaceSample>& samples) {
  const auto pixels = static_cast<size_t>(kSurfaceSize) * kSurfaceSize;
  const auto& m = camera.camera_from_world;
  for (size_t i = 0; i < pixels; ++i) {
    if (depth[i] <= 0 || picture.alpha[i] < kLeastAlpha) continue;
    const double half = kSurfaceSize / 2.0, z = depth[i];
    const double from_camera[3] = {
        (static_cast<double>(i % kSurfaceSize) + 0.5 - half) / half * camera.tan_half_fov_x * z - m[3],
        (static_cast<double>(i / kSurfaceSize) + 0.5 - half) / half * camera.tan_half_fov_y * z - m[7], z - m[11]};
    SurfaceSample sample;
    int64_t index[3];
    for (size_t axis = 0; axis < 3; ++axis) {  // the inverse of a rotation is its transpose
      const double world = m[axis] * from_camera[0] + m[4 + axis] * from_camera[1] + m[8 + axis] * from_camera[2];
      const double cells = (world + kHalf) / kCellSize;
      index[axis] = std::clamp<int64_t>(static_cast<int64_t>(std::floor(cells)), 0, kSide - 1);
      sample.at[axis] = static_cast<float>(std::clamp(cells - static_cast<double>(index[axis]) - 0.5, -0.5, 0.5));
      sample.rgb[axis] = picture.rgb[axis * pixels + i];
    }
    sample.cell = (index[2] * kSide + index[1]) * kSide + index[0];
    samples.push_back(sample);
  }
}

std::vector<SurfaceSample> surface_samples(const corpus::Mesh& mesh) {
  corpus::Renderer renderer(kSurfaceSize, 1);
  corpus::Pictures picture(kSurfaceSize, 1);
  std::vector<float> depth(static_cast<size_t>(kSurfaceSize) * kSurfaceSize);
  std::vector<SurfaceSample> samples;
  for (const Ring& ring : kRings) {
    for (const corpus::Shot& shot : corpus::even_shots(ring.views, ring.elevation, /*flat_light=*/true)) {
      const Camera camera = orbit_camera(90 - shot.elevation, shot.azimuth, corpus::kDistance, corpus::kFieldOfView,
                                         kSurfaceSize, kSurfaceSize);
      renderer.draw(mesh, camera, shot.light, {.rgb = picture.rgb.data(), .alpha = picture.alpha.data()});
      renderer.draw_depth(mesh, camera, depth.data());
      gather(depth, picture, camera, samples);
    }
  }
  std::ranges::stable_sort(samples, {}, &SurfaceSample::cell);
  return samples;
}

/// The texels of `texture` in other colours. corpus::recoloured() changes a mesh's textures; this mesh has no more.
corpus::Texture recoloured_texels(const corpus::Texture& texture, const corpus::OkLab& from, const corpus::OkLab& to) {
  corpus::Mesh carrier;
  carrier.materials.resize(1);
  carrier.materials[0].texture = std::make_shared<const corpus::Texture>(texture);
  return *corpus::recoloured(carrier, from, to).materials[0].texture;
}

/// Means of `width` texels each, the first count[m] of which are used: [M,3].
torch::Tensor mean_colours(const corpus::Texture& texture, const std::vector<int64_t>& count) {
  torch::Tensor means = torch::zeros({static_cast<int64_t>(count.size()), 3});
  float* out = means.data_ptr<float>();
  const uint8_t* texel = texture.levels[0].rgba.data();
  for (const int64_t n : count) {
    float sum[3] = {};
    for (int64_t i = 0; i < n; ++i, texel += 4) {
      for (int c = 0; c < 3; ++c) sum[c] += texel[c];
    }
    for (int c = 0; c < 3; ++c) *out++ = sum[c] / (255.0F * static_cast<float>(n));
  }
  return means;
}

}  // namespace

ShapeTarget shape_target(const corpus::Mesh& mesh, const corpus::OkLab& from, const std::vector<std::string>& colours) {
  const std::vector<SurfaceSample> samples = surface_samples(mesh);
  std::vector<int64_t> cells, texels_of;  // for each cell the number of its texels
  std::vector<float> offset, spread;
  std::vector<uint8_t> rgba;
  for (auto begin = samples.begin(); begin != samples.end();) {
    const auto end = std::find_if(begin, samples.end(), [&](const SurfaceSample& s) { return s.cell != begin->cell; });
    const int64_t n = end - begin;
    if (n >= kLeastSamples) {
      cells.push_back(begin->cell);
      for (size_t axis = 0; axis < 3; ++axis) {
        double sum = 0, squares = 0;
        for (auto s = begin; s != end; ++s) sum += s->at[axis], squares += double{s->at[axis]} * s->at[axis];
        const double mean = sum / static_cast<double>(n);
        offset.push_back(static_cast<float>(mean));
        spread.push_back(static_cast<float>(std::sqrt(std::max(0.0, squares / static_cast<double>(n) - mean * mean))));
      }
      const int64_t used = std::min(n, kColourSamples);
      for (int64_t i = 0; i < used; ++i) {
        const auto& rgb = begin[i * n / used].rgb;
        rgba.insert(rgba.end(), {rgb[0], rgb[1], rgb[2], 255});
      }
      texels_of.push_back(used);
    }
    begin = end;
  }
  const auto count = static_cast<int64_t>(cells.size());
  ShapeTarget target{.cells = torch::tensor(cells, torch::kLong),
                     .offset = torch::tensor(offset, torch::kFloat).view({count, 3}),
                     .spread = torch::tensor(spread, torch::kFloat).view({count, 3}),
                     .rgb = {}};
  corpus::Texture own;
  own.levels.push_back({.width = static_cast<int>(rgba.size() / 4), .height = 1, .rgba = std::move(rgba)});
  target.rgb[""] = mean_colours(own, texels_of);
  for (const std::string& colour : colours) {
    const corpus::OkLab to = corpus::oklab_from_srgb(corpus::typical_colour(colour));
    target.rgb[colour] = mean_colours(recoloured_texels(own, from, to), texels_of);
  }
  return target;
}

double cells_in_common(const torch::Tensor& a, const torch::Tensor& b) {
  const int64_t *x = a.data_ptr<int64_t>(), *y = b.data_ptr<int64_t>();
  const int64_t *x_end = x + a.numel(), *y_end = y + b.numel();
  int64_t both = 0;
  while (x != x_end && y != y_end) {
    both += *x == *y ? 1 : 0;
    const bool step_x = *x <= *y, step_y = *y <= *x;
    x += step_x ? 1 : 0;
    y += step_y ? 1 : 0;
  }
  const int64_t either = a.numel() + b.numel() - both;
  return either == 0 ? 1 : static_cast<double>(both) / static_cast<double>(either);
}

}  // namespace lucid::pretrain
