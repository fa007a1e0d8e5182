// SPDX-License-Identifier: Apache-2.0
// What the judge is shown: a corpus as small pictures with answers, and batches of them, augmented as splats would.
#pragma once

#include <torch/torch.h>

#include <functional>

#include "lucid/base/rng.h"
#include "lucid/corpus/shards.h"
#include "lucid/eval/judge.h"

namespace lucid::eval {

constexpr int64_t kIgnoreIndex = -100;  // cross_entropy's ignore_index

/// Small pictures and answers of all views that are wanted, in memory.
struct JudgePictures {
  torch::Tensor rgb;                   // [n,3,kJudgeSize,kJudgeSize] uint8
  torch::Tensor word, colour, sector;  // [n] int64
  torch::Tensor mirrors;               // [n] bool: left and right of the object mirror each other
};

/// Which views of an item are meant, by their number in it.
using ViewFilter = std::function<bool(int64_t view_of_item)>;
/// Every tenth view of each item is held out from the judge's training.
bool is_held_out(int64_t view_of_item);
bool every_view(int64_t view_of_item);

/// Of each item those views for which `keep` holds. Throws UserError.
JudgePictures load_pictures(const corpus::Corpus& corpus, const JudgeConfig& config, const ViewFilter& keep);

/// A share of pictures.
struct JudgeBatch {
  torch::Tensor rgb;                   // [B,3,S,S] in 0..1, on the device that the pictures' rgb is on
  torch::Tensor word, colour, sector;  // [B], on the CPU
};

/// `rows` [B] of the pictures, augmented: size, place, light, tint, haze, blur; by chance mirrored where that shows the
/// object from the mirrored side.
JudgeBatch draw_batch(const JudgePictures& pictures, const torch::Tensor& rows, Rng& rng);

}  // namespace lucid::eval
