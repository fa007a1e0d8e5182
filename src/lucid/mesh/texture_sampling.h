// SPDX-License-Identifier: Apache-2.0
// How textures are read: bilinear weights, sizes of mip levels, and the level that fits a pixel's footprint. Shading
// and baking share it, so that colours are fitted for the way in which they are shown.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>

#include "lucid/math/vec.h"
#include "lucid/mesh/screen_vertex.h"

namespace lucid::mesh {

/// Width or height of the next coarser mip level: each of its texels is the mean of 2 x 2. The last row or column of an
/// odd size is dropped, as in OpenGL's usual implementations.
inline int next_level_size(int size) { return std::max(1, size / 2); }

/// The 2 x 2 texels around a point and their weights. Beyond the border the border texels repeat. Texel (x, y) has its
/// centre at ((x + 0.5) / width, (y + 0.5) / height).
struct BilinearTaps {
  int x0, y0, x1, y1;
  float fx, fy;  // weights of x1 and of y1

  BilinearTaps(Vec2<float> uv, int width, int height) {
    const float x = std::clamp(uv.x * float(width) - 0.5f, 0.0f, float(width - 1));
    const float y = std::clamp(uv.y * float(height) - 0.5f, 0.0f, float(height - 1));
    x0 = int(x);
    y0 = int(y);
    x1 = std::min(x0 + 1, width - 1);
    y1 = std::min(y0 + 1, height - 1);
    fx = x - float(x0);
    fy = y - float(y0);
  }
};

/// A triangle's texture coordinates as functions of the pixel: u / z, v / z and 1 / z are linear there.
class TexturedTriangle {
 public:
  TexturedTriangle(const std::array<ScreenVertex, 3>& corners, const std::array<Vec2<float>, 3>& uvs);

  /// log2 of the longer side of the footprint, in texels, that a pixel at depth z has at `uv`: the level of detail of
  /// the OpenGL specification (section 8.14.1). Negative if the texture is magnified.
  float level(Vec2<float> uv, float z, int texture_width, int texture_height) const;

 private:
  Vec2<double> d_inverse_z_{}, d_u_{}, d_v_{};  // gradients of 1 / z, u / z and v / z by the pixel's x and y
};

}  // namespace lucid::mesh
