// SPDX-License-Identifier: Apache-2.0
// Smallest alpha over the pictures, at a point and on a lattice.
#include "lucid/mesh/surface/hull.h"

#include <algorithm>
#include <cmath>

#include "lucid/base/parallel.h"
#include "lucid/render/constants.h"

namespace lucid::mesh {
namespace {

constexpr float kClearlyOutside = 0.02f, kClearlyInside = 0.75f;  // alpha
constexpr int kBlock = 4;                                         // samples along the side of a block of the lattice

}  // namespace

Hull::View::View(const CloudPicture& picture) : projection(picture.camera), alpha(picture.alpha.data()) {
  const int width = projection.width, height = projection.height;
  tiles_x = (width + kTile - 1) / kTile;
  const int tiles_y = (height + kTile - 1) / kTile;
  for (int ty = 0; ty < tiles_y; ++ty) {
    for (int tx = 0; tx < tiles_x; ++tx) {
      float least = 1, most = 0;
      for (int y = ty * kTile; y <= std::min((ty + 1) * kTile, height - 1); ++y) {
        for (int x = tx * kTile; x <= std::min((tx + 1) * kTile, width - 1); ++x) {
          least = std::min(least, alpha[int64_t{y} * width + x]);
          most = std::max(most, alpha[int64_t{y} * width + x]);
        }
      }
      lowest.push_back(least);
      highest.push_back(most);
    }
  }
}

Hull::Hull(const std::vector<CloudPicture>& pictures) {
  for (const CloudPicture& picture : pictures) views_.emplace_back(picture);
}

float Hull::alpha(const View& view, const Point& at) {
  const PixelPoint p = view.projection.project(at);
  if (!view.projection.holds(p)) return 0;
  const int column = int(p.x), row = int(p.y);
  const float u = p.x - float(column), v = p.y - float(row);
  const float* top = view.alpha + int64_t{row} * view.projection.width + column;
  const float* bottom = top + view.projection.width;
  const float upper = top[0] + u * (top[1] - top[0]), lower = bottom[0] + u * (bottom[1] - bottom[0]);
  return upper + v * (lower - upper);
}

float Hull::alpha(const Point& at, float enough) const {
  float smallest = 1;
  for (size_t v = 0; v < views_.size() && !(smallest < enough); ++v)
    smallest = std::min(smallest, alpha(views_[v], at));
  return smallest;
}

Hull::Bound Hull::bound(const Point& centre, float radius) const {
  constexpr float kStretch = 1.5f;  // of a ball's picture, towards the picture's corners
  Bound result;
  for (const View& view : views_) {
    const PixelPoint p = view.projection.project(centre);
    const float reach = 1 + kStretch * view.projection.focal * radius / (p.z - radius);
    const float left = p.x - reach, right = p.x + reach, top = p.y - reach, bottom = p.y + reach;
    const float last_x = float(view.projection.width - 1), last_y = float(view.projection.height - 1);
    const bool in_front = p.z - radius > float(render::kNearPlane);
    if (!(in_front && left >= 0 && top >= 0 && right <= last_x && bottom <= last_y)) {  // not all of it in the picture
      result.views.push_back(&view);
      continue;
    }
    float lowest = 1, highest = 0;
    for (int ty = int(top) / kTile; ty <= int(bottom) / kTile; ++ty) {
      for (int tx = int(left) / kTile; tx <= int(right) / kTile; ++tx) {
        lowest = std::min(lowest, view.lowest[size_t(ty * view.tiles_x + tx)]);
        highest = std::max(highest, view.highest[size_t(ty * view.tiles_x + tx)]);
      }
    }
    result.highest = std::min(result.highest, highest);
    if (result.highest < kClearlyOutside) break;
    if (lowest < kClearlyInside) result.views.push_back(&view);
  }
  return result;
}

Field Hull::field(const Lattice& lattice, const Field& density, float above) const {
  Field result(density.size(), 1.0f);
  std::array<int, 3> blocks{};
  for (size_t k = 0; k < 3; ++k) blocks[k] = (lattice.size[k] + kBlock - 1) / kBlock;
  const float radius = 0.5f * std::sqrt(3.0f) * float(kBlock) * lattice.spacing;
  parallel_for(int64_t{blocks[0]} * blocks[1] * blocks[2], 8, [&](int64_t b) {
    std::array<int, 3> begin = {int(b % blocks[0]), int(b / blocks[0] % blocks[1]), int(b / blocks[0] / blocks[1])};
    std::array<int, 3> end{};
    for (size_t k = 0; k < 3; ++k) {
      begin[k] *= kBlock;
      end[k] = std::min(begin[k] + kBlock, lattice.size[k]);
    }
    const float half = 0.5f * float(kBlock - 1);
    Bound bound;
    bool known = false;
    for (int z = begin[2]; z < end[2]; ++z) {
      for (int y = begin[1]; y < end[1]; ++y) {
        for (int x = begin[0]; x < end[0]; ++x) {
          const size_t i = size_t(lattice.index(x, y, z));
          if (!(density[i] > above)) continue;
          if (!known) {
            bound =
                this->bound(lattice.at(float(begin[0]) + half, float(begin[1]) + half, float(begin[2]) + half), radius);
            known = true;
          }
          const Point at = lattice.at(float(x), float(y), float(z));
          float smallest = bound.highest;
          for (size_t v = 0; v < bound.views.size() && !(smallest < kClearlyOutside); ++v) {
            smallest = std::min(smallest, alpha(*bound.views[v], at));
          }
          result[i] = smallest;
        }
      }
    }
  });
  return result;
}

}  // namespace lucid::mesh
