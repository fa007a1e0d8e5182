// SPDX-License-Identifier: Apache-2.0
// What the kernels here stand on: a GPU, or its emulation.
#pragma once

#include "lucid/base/cuda/platform.h"
#include "lucid/render/cuda/refusals.h"

namespace lucid::render::cuda::LUCID_CUDA_PLATFORM {

using namespace lucid::cuda::LUCID_CUDA_PLATFORM;

}  // namespace lucid::render::cuda::LUCID_CUDA_PLATFORM
