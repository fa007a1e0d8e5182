// SPDX-License-Identifier: Apache-2.0
// The normal equations of a least-squares fit of vertex colours: a sample is an equation between the three vertices of
// its triangle.
#pragma once

#include <array>
#include <vector>

#include "lucid/mesh/colour/samples.h"

namespace lucid::mesh {

class VertexEquations {
 public:
  /// `triangles` by vertices in [0, count): vertices at equal positions are one.
  VertexEquations(std::vector<Triangle> triangles, size_t count);

  void add(const std::vector<std::vector<ColourSample>>& samples);
  /// Adds the equations (difference of two ends) = 0 of each side of each triangle with the given weight.
  void add_smoothness(float weight);

  void multiply(const std::vector<float>& x, std::vector<float>* product) const;  // [count]
  std::vector<float> diagonal() const;                                            // [count]
  std::vector<float> right_hand_side(size_t colour) const;                        // [count]

  /// The row sums of the samples' equations alone: how much each vertex is seen. Call it before add_smoothness().
  std::vector<float> visibility() const;  // [count]

 private:
  struct Block {                                   // sums over the samples of one triangle
    std::array<float, 3> self{}, opposite{};       // of each vertex; of the two vertices other than each
    std::array<std::array<float, 3>, 3> target{};  // [colour][vertex]
  };

  template <class Value>
  std::vector<float> gather(const Value& value) const;

  std::vector<Triangle> triangles_;
  std::vector<Block> blocks_;
  std::vector<int64_t> begin_;     // the corners of vertex v are corners_[begin_[v]] to corners_[begin_[v + 1]]
  std::vector<uint32_t> corners_;  // 3 * triangle + corner
};

}  // namespace lucid::mesh
