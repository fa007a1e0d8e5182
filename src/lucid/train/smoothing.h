// SPDX-License-Identifier: Apache-2.0
// The size of the 3D smoothing filter (Mip-Splatting, Yu et al. 2024, section 4.1): no Gaussian becomes thinner than
// what the training views can tell apart.
#pragma once

#include <torch/torch.h>

#include <span>

#include "lucid/camera/camera.h"
#include "lucid/train/model.h"
#include "lucid/train/options.h"

namespace lucid::train {

/// means [N,3] -> [N,1]: the filter's standard deviation, sqrt(variance) times the side of a pixel at the Gaussian, in
/// world units, in the view that samples it most finely. `variance` is in square pixels; 0.2 in the paper. Of views
/// only those count that show the Gaussian: in front of the camera, and on the picture or at most 15 % of its size
/// beside it. A Gaussian that no view shows gets the largest filter of the others.
torch::Tensor filter_3d(const torch::Tensor& means, std::span<const Camera> cameras, double variance);

/// When the filter is computed, and from which views.
struct FilterUpdate {
  bool anew = false;   // rows were added or removed, or the views' size has changed
  int64_t factor = 1;  // pixels of the views' side for each of the training views'
};

/// Sets the cloud's filter at the first step, at every hundredth, and where it must be computed anew, from random views
/// of the ranges that hold at this step. Without options.filter_3d there is none.
void update_filter(Model& model, const TrainOptions& options, const FilterUpdate& update);

}  // namespace lucid::train
