// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/torch.h>

#include "lucid/base/rng.h"

namespace lucid::tensor {

/// Standard normals of this shape, float32: the stream's next ones, whatever the device.
torch::Tensor randn(Rng& rng, at::IntArrayRef shape, torch::Device device);

}  // namespace lucid::tensor
