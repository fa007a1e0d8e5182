// SPDX-License-Identifier: Apache-2.0
// What the shape model learns from: a 3D model's visible surface as a coarse coloured grid, in its own colours and in
// others.
#pragma once

#include <torch/torch.h>

#include <map>
#include <string>
#include <vector>

#include "lucid/corpus/colours.h"
#include "lucid/corpus/mesh.h"
#include "lucid/shape/grid.h"

namespace lucid::pretrain {

/// The occupied cells of a model, in ascending order, with the values that shape::Grid has there.
struct ShapeTarget {
  torch::Tensor cells = {};                       // [M] int64
  torch::Tensor offset = {}, spread = {};         // [M,3]
  std::map<std::string, torch::Tensor> rgb = {};  // by colour word, "" = the model's own colours: [M,3] in 0..1
};

/// The mesh must lie in the unit ball. Seen from all around, also from below: what no picture shows is left out. It is
/// recoloured as corpus::recoloured() does, from the colour `from` to the typical one of each of `colours`.
ShapeTarget shape_target(const corpus::Mesh& mesh, const corpus::OkLab& from, const std::vector<std::string>& colours);

/// Intersection over union of two sets of cells, given in ascending order. [M], [N] int64.
double cells_in_common(const torch::Tensor& a, const torch::Tensor& b);

}  // namespace lucid::pretrain
