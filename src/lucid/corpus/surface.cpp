// SPDX-License-Identifier: Apache-2.0
// Bilinear and trilinear texture look-up, and perspective-correct barycentric weights.
#include "lucid/corpus/surface.h"

#include <algorithm>
#include <cmath>

namespace lucid::corpus {
namespace {

int wrapped(int i, int n) {
  i %= n;
  return i < 0 ? i + n : i;
}

std::array<float, 4> bilinear(const Texture::Level& level, float u, float v) {
  const float x = u * static_cast<float>(level.width) - 0.5f;
  const float y = (1 - v) * static_cast<float>(level.height) - 0.5f;
  const float fx = std::floor(x), fy = std::floor(y);
  const int x0 = wrapped(static_cast<int>(fx), level.width), y0 = wrapped(static_cast<int>(fy), level.height);
  const int x1 = x0 + 1 == level.width ? 0 : x0 + 1, y1 = y0 + 1 == level.height ? 0 : y0 + 1;
  const float ax = x - fx, ay = y - fy;
  const float weight[4] = {(1 - ax) * (1 - ay), ax * (1 - ay), (1 - ax) * ay, ax * ay};
  const auto texel = [&](int tx, int ty) { return level.rgba.data() + size_t{4} * (size_t(ty) * level.width + tx); };
  const uint8_t* texels[4] = {texel(x0, y0), texel(x1, y0), texel(x0, y1), texel(x1, y1)};
  std::array<float, 4> out{};
  for (size_t i = 0; i < 4; ++i) {
    for (size_t c = 0; c < 4; ++c) out[c] += weight[i] * texels[i][c];
  }
  for (float& c : out) c *= 1.0f / 255;
  return out;
}

float interpolated(const std::array<float, 3>& weights, float a, float b, float c) {
  return weights[0] * a + weights[1] * b + weights[2] * c;
}

}  // namespace

std::array<float, 4> sample_texture(const Texture& texture, const Float2& uv, float footprint) {
  const float u = uv.x - std::floor(uv.x), v = uv.y - std::floor(uv.y);  // in [0, 1]: no overflow below
  const auto last = static_cast<float>(texture.levels.size() - 1);
  const float level = footprint > 1 ? std::min(std::log2(footprint), last) : 0;
  const auto fine = static_cast<size_t>(level);
  std::array<float, 4> out = bilinear(texture.levels[fine], u, v);
  const float share = level - static_cast<float>(fine);
  if (share <= 0) return out;
  const std::array<float, 4> coarse = bilinear(texture.levels[fine + 1], u, v);
  for (size_t c = 0; c < 4; ++c) out[c] += share * (coarse[c] - out[c]);
  return out;
}

ScreenTriangle::ScreenTriangle(const std::array<float, 3>& x, const std::array<float, 3>& y,
                               const std::array<float, 3>& inv_z)
    : x_(x[0]), y_(y[0]) {
  const double area = (double{x[1]} - x[0]) * (double{y[2]} - y[0]) - (double{x[2]} - x[0]) * (double{y[1]} - y[0]);
  const auto scale = static_cast<float>(area != 0 ? 1 / area : 0);
  for (size_t i = 0; i < 3; ++i) {
    const size_t j = (i + 1) % 3, k = (i + 2) % 3;
    slope_x_[i] = (y[j] - y[k]) * scale * inv_z[i];
    slope_y_[i] = (x[k] - x[j]) * scale * inv_z[i];
    value_[i] = i == 0 ? inv_z[0] : 0;  // at corner 0 the weights are 1, 0, 0
  }
}

ScreenTriangle::Weights ScreenTriangle::at(float x, float y) const {
  Weights weights;
  float sum = 0;
  for (size_t i = 0; i < 3; ++i) {
    weights.corner[i] = std::max(0.0f, value_[i] + slope_x_[i] * (x - x_) + slope_y_[i] * (y - y_));
    sum += weights.corner[i];
  }
  const float sum_x = slope_x_[0] + slope_x_[1] + slope_x_[2], sum_y = slope_y_[0] + slope_y_[1] + slope_y_[2];
  const float inverse = sum > 0 ? 1 / sum : 0;
  for (size_t i = 0; i < 3; ++i) {
    weights.corner[i] *= inverse;
    weights.step_x[i] = (slope_x_[i] - weights.corner[i] * sum_x) * inverse;
    weights.step_y[i] = (slope_y_[i] - weights.corner[i] * sum_y) * inverse;
  }
  return weights;
}

std::array<float, 4> surface_colour(const Material& material, const Triangle& triangle,
                                    const ScreenTriangle::Weights& weights) {
  if (material.texture == nullptr) return {material.colour.x, material.colour.y, material.colour.z, 1};
  const auto& uv = triangle.uv;
  const Float2 at{interpolated(weights.corner, uv[0].x, uv[1].x, uv[2].x),
                  interpolated(weights.corner, uv[0].y, uv[1].y, uv[2].y)};
  const auto width = static_cast<float>(material.texture->levels[0].width);
  const auto height = static_cast<float>(material.texture->levels[0].height);
  const auto texels = [&](const std::array<float, 3>& step) {
    return std::hypot(width * interpolated(step, uv[0].x, uv[1].x, uv[2].x),
                      height * interpolated(step, uv[0].y, uv[1].y, uv[2].y));
  };
  return sample_texture(*material.texture, at, std::max(texels(weights.step_x), texels(weights.step_y)));
}

}  // namespace lucid::corpus
