// SPDX-License-Identifier: Apache-2.0
// What a triangle looks like at one sample: barycentrics, normal, texture coordinates and how fast they change.
#pragma once

#include <array>

#include "lucid/corpus/mesh.h"

namespace lucid::corpus {

/// Colour and alpha at (u, v), 0..1, trilinear. `footprint`: texels of level 0 that one sample's step covers.
std::array<float, 4> sample_texture(const Texture& texture, const Float2& uv, float footprint);

/// One triangle on the screen, set up for perspective-correct interpolation.
class ScreenTriangle {
 public:
  /// x, y in samples; inv_z = 1 / z.
  ScreenTriangle(const std::array<float, 3>& x, const std::array<float, 3>& y, const std::array<float, 3>& inv_z);

  struct Weights {
    std::array<float, 3> corner{};            // sum to 1, none negative
    std::array<float, 3> step_x{}, step_y{};  // their change a sample to the right, a sample down
  };
  Weights at(float x, float y) const;

 private:
  std::array<float, 3> value_{}, slope_x_{}, slope_y_{};  // (edge function / area) * inv_z, a plane over the screen
  float x_ = 0, y_ = 0;                                   // where value_ holds
};

/// The colour, 0..1, and alpha of `material` there.
std::array<float, 4> surface_colour(const Material& material, const Triangle& triangle,
                                    const ScreenTriangle::Weights& weights);

}  // namespace lucid::corpus
