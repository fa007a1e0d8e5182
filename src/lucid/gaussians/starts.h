// SPDX-License-Identifier: Apache-2.0
// Starting points: where the first Gaussians sit, by name.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lucid/gaussians/cloud.h"
#include "lucid/gaussians/start_options.h"

namespace lucid::gaussians {

const std::vector<std::string>& start_names();  // kStartNames

/// Half the side lengths of the box that holds every point of a start; for tests and for framing.
std::array<double, 3> start_bounds(const StartOptions& options);

/// Points by kind; scales sqrt(mean squared distance to the 3 nearest neighbours); near-grey colours (SH ~ U(0,1)/255);
/// identity rotations. A pure function of the options. Throws UserError for options that make no cloud.
Cloud make_start(const StartOptions& options);

/// log sqrt(mean squared distance to the 3 nearest neighbours), floor 1e-7 on the square. means [N,3] -> [N,3]. With
/// fewer than 3 neighbours the mean is over those there are.
torch::Tensor nearest_neighbour_log_scales(const torch::Tensor& means);

}  // namespace lucid::gaussians
