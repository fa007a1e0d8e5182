// SPDX-License-Identifier: Apache-2.0
// `lucid prior shape`: trains the model of which a run without Point-E starts, and writes its folder.
#pragma once

#include "lucid/pretrain/shape/data.h"
#include "lucid/pretrain/shape/options.h"
#include "lucid/pretrain/stage.h"

namespace lucid::pretrain {

/// Writes options.out: shape.json, shape.safetensors, README.md, NOTICE.md, checkpoints/, progress/log.jsonl. A run
/// that is resumed ends with the bytes of an unbroken one. False if stopped. Throws UserError: invalid options, a
/// folder with another run.
bool train_shape(const ShapeRequest& request, const RunOptions& run);

}  // namespace lucid::pretrain
