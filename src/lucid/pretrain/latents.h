// SPDX-License-Identifier: Apache-2.0
// Every picture of the corpus as a latent, computed once: a step of the U-Net's training is then the U-Net alone.
#pragma once

#include <torch/torch.h>

#include <optional>
#include <string>
#include <vector>

#include "lucid/corpus/shards.h"
#include "lucid/diffusion/vae.h"
#include "lucid/pretrain/data.h"
#include "lucid/pretrain/stage.h"

namespace lucid::pretrain {

struct LatentSet {
  torch::Tensor plain = {};                    // [V,C,h,w] float16, scaled means, by view
  torch::Tensor mirrored = {};                 // [M,C,h,w] float16, of mirrored pictures
  torch::Tensor mirrored_row = {};             // [V] int64, -1 where a mirrored picture would not be true
  torch::Tensor azimuth = {}, elevation = {};  // [V] float

  /// Of the rows' pictures; words do not matter. [n,C,h,w] float, where the latents are.
  torch::Tensor of(const std::vector<Row>& rows) const;
  /// Moves the latents; what rows and prompts are made from stays on the CPU.
  void to(torch::Device device);
};

/// Encodes all views, or reads what an earlier run with the same VAE and pictures left in `folder`/cache. Nothing when
/// stopped.
std::optional<LatentSet> encode_corpus(const diffusion::Vae& vae, const corpus::Corpus& corpus,
                                       const RunOptions& options);

}  // namespace lucid::pretrain
