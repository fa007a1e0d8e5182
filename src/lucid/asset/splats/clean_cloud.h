// SPDX-License-Identifier: Apache-2.0
// Gaussians without haze and floaters (mesh/clean_air.h), as tensors.
#pragma once

#include "lucid/gaussians/cloud.h"
#include "lucid/mesh/clean_air.h"

namespace lucid::asset {

/// The Gaussians `indices` [K] int64, in their order.
gaussians::Cloud selected(const gaussians::Cloud& cloud, const torch::Tensor& indices);

/// The indices [K] int64 of the Gaussians that stay, in order, on the cloud's device; computed on the CPU. A pure
/// function of the parameters: call it between two training steps, or before files are written.
torch::Tensor clean_indices(const gaussians::Cloud& cloud, const mesh::AirRules& rules = {});

}  // namespace lucid::asset
