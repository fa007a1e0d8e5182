// SPDX-License-Identifier: Apache-2.0
// What rounds of refining need that fit to enlarged pictures: views of more pixels, and Gaussians that can hold them.
#pragma once

#include <span>
#include <vector>

#include "lucid/train/model.h"
#include "lucid/train/options.h"

namespace lucid::train {

/// The cameras with `factor` times as many pixels a side.
std::vector<Camera> enlarged(std::vector<Camera> cameras, int64_t factor);

/// Splits in two, along its longest axis, every Gaussian whose standard deviation there is more than 1.2 pixels of the
/// finest of these views: a cloud made for small pictures has too few Gaussians for large ones. Not beyond
/// options.densify.bound(): the widest come first. The children are side by side and cover what their parent did;
/// their Adam moments are zero, and the statistics of densification start anew. Returns the number of splits.
int64_t split_wide(Model& model, std::span<const Camera> cameras, const TrainOptions& options);

}  // namespace lucid::train
