// SPDX-License-Identifier: Apache-2.0
// Initialisation of the Gaussians: point clouds of a named shape with scales from nearest neighbours.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lucid/gaussians/cloud.h"
#include "lucid/gaussians/start_options.h"

namespace lucid::gaussians {

const std::vector<std::string>& start_names();  // kStartNames

/// Half the side lengths of the axis-aligned box around the shape, centred at the origin.
std::array<double, 3> start_bounds(const StartOptions& options);

/// The initial cloud: random points of the shape; scales by nearest_neighbour_log_scales(); nearly grey colours (SH of
/// degree 0 ~ U(0,1)/255, the rest 0); the given opacity; identity rotations. A pure function of the options. Throws
/// UserError for an unknown shape or a value out of range.
Cloud make_start(const StartOptions& options);

/// means [N,3] -> [N,3]: log sqrt(mean squared distance to the 3 nearest neighbours), the same for all three axes. The
/// mean square is at least 1e-7. With fewer than 3 neighbours the mean is over all of them.
torch::Tensor nearest_neighbour_log_scales(const torch::Tensor& means);

}  // namespace lucid::gaussians
