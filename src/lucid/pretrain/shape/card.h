// SPDX-License-Identifier: Apache-2.0
// Model card of a trained shape model (README.md).
#pragma once

#include "lucid/pretrain/shape/data.h"
#include "lucid/pretrain/shape/options.h"

namespace lucid::pretrain {

/// The measured numbers are read from progress/log.jsonl.
void write_shape_card(const ShapeRequest& request, const ShapeData& data);

}  // namespace lucid::pretrain
