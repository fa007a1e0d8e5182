// SPDX-License-Identifier: Apache-2.0
// The footprint of a pixel in a texture.
#include "lucid/mesh/texture_sampling.h"

namespace lucid::mesh {

TexturedTriangle::TexturedTriangle(const std::array<ScreenVertex, 3>& corners, const std::array<Vec2<float>, 3>& uvs) {
  const auto& [a, b, c] = corners;
  const double area = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
  if (area == 0) return;
  const Vec2<double> gradients[3] = {{(b.y - c.y) / area, (c.x - b.x) / area},  // of the screen-space weights
                                     {(c.y - a.y) / area, (a.x - c.x) / area},
                                     {(a.y - b.y) / area, (b.x - a.x) / area}};
  const auto add = [](Vec2<double>* to, double factor, const Vec2<double>& gradient) {
    to->x += factor * gradient.x;
    to->y += factor * gradient.y;
  };
  for (size_t k = 0; k < 3; ++k) {
    add(&d_inverse_z_, corners[k].inverse_z, gradients[k]);
    add(&d_u_, corners[k].inverse_z * double(uvs[k].x), gradients[k]);
    add(&d_v_, corners[k].inverse_z * double(uvs[k].y), gradients[k]);
  }
}

float TexturedTriangle::level(Vec2<float> uv, float z, int texture_width, int texture_height) const {
  const double width = double(z) * texture_width, height = double(z) * texture_height;
  const double ux = width * (d_u_.x - double(uv.x) * d_inverse_z_.x);
  const double uy = width * (d_u_.y - double(uv.x) * d_inverse_z_.y);
  const double vx = height * (d_v_.x - double(uv.y) * d_inverse_z_.x);
  const double vy = height * (d_v_.y - double(uv.y) * d_inverse_z_.y);
  const double squared = std::max(ux * ux + vx * vx, uy * uy + vy * vy);
  return 0.5f * std::log2(float(std::max(squared, 1e-12)));
}

}  // namespace lucid::mesh
