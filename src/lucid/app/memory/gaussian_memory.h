// SPDX-License-Identifier: Apache-2.0
// An estimate of the memory of the Gaussians and of their pictures, from the tensors and records that a step holds.
#pragma once

#include <cstdint>

namespace lucid::app {

/// What a step renders.
struct RenderShape {
  int64_t views = 4;      // in a batch
  int64_t pixels = 0;     // of a view
  int64_t sh_degree = 0;  // of the Gaussians
};

/// Bytes of one Gaussian: its parameters, Adam's moments, gradients and densification sums; what each view holds of it,
/// its tiles in the rasteriser among it; and the copies that a densification makes.
double bytes_per_gaussian(const RenderShape& shape);

/// Bytes of the views of a batch while the networks run.
double picture_bytes(const RenderShape& shape);

}  // namespace lucid::app
