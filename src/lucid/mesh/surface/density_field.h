// SPDX-License-Identifier: Apache-2.0
// The density of a Gaussian cloud on a lattice: f(x) = sum of opacity * exp(-d^T S^-1 d / 2), d = x - mean.
#pragma once

#include "lucid/mesh/surface/lattice.h"
#include "lucid/render/rasterize.h"

namespace lucid::mesh {

/// Each Gaussian counts within 3 standard deviations. Those that are thin for the lattice are widened, with their
/// opacity scaled so that the integral stays the same; else they could fall between the samples.
Field density_field(const render::CloudView<float>& cloud, const Lattice& lattice);

}  // namespace lucid::mesh
