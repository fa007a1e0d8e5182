// SPDX-License-Identifier: Apache-2.0
// randn(): standard normals from a stream of lucid::Rng, on any device.
#pragma once

#include <torch/torch.h>

#include "lucid/base/rng.h"

namespace lucid::tensor {

/// The next standard normals of the stream as a float32 tensor of this shape. A seed gives the same numbers on every
/// device, up to rounding (1e-6).
torch::Tensor randn(Rng& rng, at::IntArrayRef shape, torch::Device device);

}  // namespace lucid::tensor
