// SPDX-License-Identifier: Apache-2.0
// A mesh that a ControlNet is shown in place of the renders, so that the asset takes its shape.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <vector>

#include "lucid/corpus/raster.h"

namespace lucid::app {

class MeshGuide {
 public:
  /// `size`: pixels a side of the pictures. Throws UserError: no OBJ that can be read.
  MeshGuide(const std::filesystem::path& obj, int size);
  /// [B,1,S,S] in [0,1], formed as a render's is (distill/image_terms.h).
  torch::Tensor disparity(const std::vector<Camera>& cameras);

 private:
  corpus::Mesh mesh_;
  corpus::Renderer renderer_;
  int size_;
};

}  // namespace lucid::app
