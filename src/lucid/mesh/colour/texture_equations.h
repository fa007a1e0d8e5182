// SPDX-License-Identifier: Apache-2.0
// The normal equations of a texture's least-squares fit. The unknowns are the texels of the finest level. A sample is
// an equation between the four texels around it, at the mip level of its footprint; the texels of coarser levels are
// means of finer ones. Two texels share an equation only if they are neighbours in one level, so the whole matrix is a
// nine-point stencil for each texel of each level: it is summed up once, and its size does not depend on the number of
// samples.
#pragma once

#include <array>
#include <vector>

#include "lucid/mesh/colour/chart_map.h"
#include "lucid/mesh/colour/samples.h"
#include "lucid/mesh/colour/seams.h"

namespace lucid::mesh {

class TextureEquations {
 public:
  explicit TextureEquations(int size);

  /// Adds the equations of samples with uvs.
  void add(const std::vector<std::vector<ColourSample>>& samples);
  /// Adds the equations (difference of two neighbours) = 0 with the given weight, within each chart.
  void add_smoothness(const ChartMap& charts, float weight);
  /// Adds the equations of the seams with the given weight.
  void add_seams(std::vector<SeamRow> rows, float weight);

  /// Stores the product of the matrix with the texels x. [size * size]
  void multiply(const std::vector<float>& x, std::vector<float>* product) const;
  std::vector<float> diagonal() const;                      // [size * size]
  std::vector<float> right_hand_side(size_t colour) const;  // [size * size]
  /// The row sums of the samples' equations alone: how much each texel is seen. Call it before add_smoothness().
  std::vector<float> visibility() const;  // [size * size]

 private:
  struct Level {
    int width = 0, height = 0;
    // Coefficients of the texel itself and with its neighbours to the right and in the row below. The matrix is
    // symmetric. Those that would reach over a border are zero. [height * width]
    std::vector<float> self, right, below_left, below, below_right;
    std::array<std::vector<float>, 3> targets;  // right-hand side of each colour

    Level(int width, int height);
    void add(const ColourSample& sample, float weight, int first_row, int end_row);
    void multiply(const std::vector<float>& x, std::vector<float>* product) const;
  };

  std::vector<float> sum_levels(std::vector<std::vector<float>> of_levels, float share) const;

  std::vector<Level> levels_;
  std::vector<SeamRow> seams_;
  float seam_weight_ = 0;
};

}  // namespace lucid::mesh
