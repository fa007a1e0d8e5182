// SPDX-License-Identifier: Apache-2.0
// Training and test data of the judge: a corpus as small labelled pictures, and augmented batches that imitate the
// flaws of rendered splats.
#pragma once

#include <torch/torch.h>

#include <functional>

#include "lucid/base/rng.h"
#include "lucid/corpus/shards.h"
#include "lucid/eval/judge.h"

namespace lucid::eval {

constexpr int64_t kIgnoreIndex = -100;  // label of an unknown class: cross_entropy's ignore_index

/// Pictures and labels of n views, in memory.
struct JudgePictures {
  torch::Tensor rgb;                   // [n,3,kJudgeSize,kJudgeSize] uint8
  torch::Tensor word, colour, sector;  // [n] int64
  torch::Tensor mirrors;               // [n] bool: the object has mirror symmetry
};

/// Selects views of an item by their number in it.
using ViewFilter = std::function<bool(int64_t view_of_item)>;
/// Every tenth view of each item is held out from the judge's training.
bool is_held_out(int64_t view_of_item);
bool every_view(int64_t view_of_item);  // always true

/// The views of each item for which `keep` is true. Throws UserError.
JudgePictures load_pictures(const corpus::Corpus& corpus, const JudgeConfig& config, const ViewFilter& keep);

struct JudgeBatch {
  torch::Tensor rgb;                   // [B,3,S,S] in 0..1, on the device of JudgePictures::rgb
  torch::Tensor word, colour, sector;  // [B] int64, on the CPU
};

/// The pictures `rows` [B] int64, augmented: random size, shift, brightness, tint, haze, blur; half of the pictures of
/// symmetric objects are mirrored, with the mirrored sector as label.
JudgeBatch draw_batch(const JudgePictures& pictures, const torch::Tensor& rows, Rng& rng);

}  // namespace lucid::eval
