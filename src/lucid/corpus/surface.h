// SPDX-License-Identifier: Apache-2.0
// Surface attributes of a triangle at one sample: perspective-correct barycentric weights with their screen-space
// derivatives, and the filtered texture colour.
#pragma once

#include <array>

#include "lucid/corpus/mesh.h"

namespace lucid::corpus {

/// RGBA at (u, v), 0..1, trilinearly filtered. `footprint`: texels of level 0 between two neighbouring samples.
std::array<float, 4> sample_texture(const Texture& texture, const Float2& uv, float footprint);

/// A projected triangle, set up for perspective-correct interpolation.
class ScreenTriangle {
 public:
  /// The corners' x, y in samples, and inv_z = 1 / z.
  ScreenTriangle(const std::array<float, 3>& x, const std::array<float, 3>& y, const std::array<float, 3>& inv_z);

  struct Weights {
    std::array<float, 3> corner{};            // barycentric weights: sum 1, none negative
    std::array<float, 3> step_x{}, step_y{};  // their derivatives per sample in x and y
  };
  Weights at(float x, float y) const;

 private:
  std::array<float, 3> value_{}, slope_x_{}, slope_y_{};  // (edge function / area) * inv_z: linear on the screen
  float x_ = 0, y_ = 0;                                   // position of value_
};

/// RGBA of `material`, 0..1, at a point of the triangle: its texture, or its colour with alpha 1.
std::array<float, 4> surface_colour(const Material& material, const Triangle& triangle,
                                    const ScreenTriangle::Weights& weights);

}  // namespace lucid::corpus
