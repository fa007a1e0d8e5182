// SPDX-License-Identifier: Apache-2.0
// MeshGuide: depth images of a mesh from the training cameras. They are a depth ControlNet's input in place of the
// depth of the rendered Gaussians, so that the asset takes the shape of the mesh.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <functional>
#include <vector>

#include "lucid/app/run_options/run_options.h"
#include "lucid/corpus/raster.h"
#include "lucid/mesh/triangle_mesh.h"

namespace lucid::app {

class MeshGuide {
 public:
  /// Reads an OBJ file. `size`: pixels per side of the images. Throws UserError if the file cannot be read.
  MeshGuide(const std::filesystem::path& obj, int size);
  /// Takes a mesh in world axes.
  MeshGuide(const mesh::TriangleMesh& mesh, int size);
  /// Disparity images [B,1,S,S] in [0,1], computed from the depth as for renders (distill/image_terms.h).
  torch::Tensor disparity(const std::vector<Camera>& cameras);

 private:
  corpus::Mesh mesh_;
  corpus::Renderer renderer_;
  int size_;
};

/// What the ControlNet is to look at in place of the renders: the disparity of options.controlnet_mesh; null without
/// one. Throws UserError, also where the pictures are not square.
std::function<torch::Tensor(const std::vector<Camera>&)> shown_mesh(const RunOptions& options);

}  // namespace lucid::app
