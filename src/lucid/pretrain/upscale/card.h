// SPDX-License-Identifier: Apache-2.0
// Text of the upscaler's card, README.md.
#pragma once

#include "lucid/pretrain/upscale/options.h"

namespace lucid::pretrain {

/// Writes request.out/README.md, with the last measurements of the training's log.
void write_upscale_card(const UpscaleRequest& request);

}  // namespace lucid::pretrain
