// SPDX-License-Identifier: Apache-2.0
// The model card: what a trained prior knows, from what pictures, by which command, and how well.
#pragma once

#include "lucid/pretrain/data.h"
#include "lucid/pretrain/train.h"

namespace lucid::pretrain {

/// README.md of the prior's folder; numbers come from progress/log.jsonl.
void write_model_card(const TrainOptions& options, const Sizes& sizes, const Words& words, const corpus::Corpus& corpus,
                      const Split& split);

}  // namespace lucid::pretrain
