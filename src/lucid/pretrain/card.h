// SPDX-License-Identifier: Apache-2.0
// Model card of a trained prior (README.md): its vocabulary, its training data and command, its measured quality.
#pragma once

#include "lucid/pretrain/data.h"
#include "lucid/pretrain/train.h"

namespace lucid::pretrain {

/// Writes README.md in the prior's folder. The measured numbers are read from progress/log.jsonl.
void write_model_card(const TrainOptions& options, const Sizes& sizes, const Words& words, const corpus::Corpus& corpus,
                      const Split& split);

}  // namespace lucid::pretrain
