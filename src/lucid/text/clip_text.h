// SPDX-License-Identifier: Apache-2.0
// CLIP's text tower with its projection: a text as one vector, in the space that texts and pictures share.
#pragma once

#include <torch/torch.h>

#include <filesystem>

#include "lucid/text/encoder.h"

namespace lucid::text {

struct ClipText {
  Encoder encoder{nullptr};
  torch::Tensor projection;  // [P,D]

  /// ids [n,L] -> [n,P] float32: the hidden state at the first end token (the largest id), projected. Not normalised.
  torch::Tensor vectors(const torch::Tensor& ids);
};

/// Reads CLIP's text tower from a folder of transformers' (CLIPModel or CLIPTextModelWithProjection) or from one file,
/// .safetensors or torch's, with transformers' names or those of OpenAI's file. Other parts of the model are skipped.
/// The number of heads is in no file but config.json; 0 means that of config.json, or else width / 64, as in all
/// published models. Throws UserError.
ClipText load_clip_text(const std::filesystem::path& path, int64_t heads = 0);

}  // namespace lucid::text
