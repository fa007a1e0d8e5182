// SPDX-License-Identifier: Apache-2.0
// Imports the CUDA platform (CUDA or its emulation, lucid/base/cuda/platform.h) into the rasteriser's namespace.
#pragma once

#include "lucid/base/cuda/platform.h"
#include "lucid/render/cuda/errors.h"

namespace lucid::render::cuda::LUCID_CUDA_PLATFORM {

using namespace lucid::cuda::LUCID_CUDA_PLATFORM;

}  // namespace lucid::render::cuda::LUCID_CUDA_PLATFORM
