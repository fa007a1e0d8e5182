// SPDX-License-Identifier: Apache-2.0
// `lucid prior upscaler`: trains the network that enlarges the pictures of the last rounds of refining.
#pragma once

#include "lucid/pretrain/stage.h"
#include "lucid/pretrain/upscale/options.h"

namespace lucid::pretrain {

/// Writes request.out: upscale.json, upscale.safetensors, README.md, progress/, checkpoints/. False if stopped;
/// resuming then ends with the same weights. Throws UserError.
bool train_upscaler(const UpscaleRequest& request, const RunOptions& run);

}  // namespace lucid::pretrain
