// SPDX-License-Identifier: Apache-2.0
// Latents of all pictures of a corpus, encoded once before the U-Net's training and cached on disk.
#pragma once

#include <torch/torch.h>

#include <optional>
#include <string>
#include <vector>

#include "lucid/corpus/shards.h"
#include "lucid/diffusion/vae.h"
#include "lucid/pretrain/data.h"
#include "lucid/pretrain/stage.h"
#include "lucid/text_to_image/view_prompts.h"

namespace lucid::pretrain {

struct LatentSet {
  torch::Tensor plain = {};                    // [V,C,h,w] float16: scaled posterior means of all views
  torch::Tensor mirrored = {};                 // [M,C,h,w] float16: the same of mirrored pictures
  torch::Tensor mirrored_row = {};             // [V] int64: a view's row in `mirrored`; -1 if its item has no symmetry
  torch::Tensor azimuth = {}, elevation = {};  // [V] float, degrees

  /// Latents of the rows' pictures, [n,C,h,w] float, on the latents' device.
  torch::Tensor of(const std::vector<Row>& rows) const;
  /// What a row's picture is seen from. A mirrored picture has the negated azimuth.
  text_to_image::Direction direction_of(const Row& row) const;
  /// The rows' cameras as a multi-view U-Net reads them (camera/multi_view.h), [n,16], on the latents' device.
  torch::Tensor cameras_of(const std::vector<Row>& rows) const;
  /// Moves `plain` and `mirrored`; the other tensors stay on the CPU.
  void to(torch::Device device);
};

/// Encodes all views, or those that the cache in options.folder/cache lacks, if it is of the same VAE and pictures. The
/// cache is saved every options.save_seconds and when stopped; nullopt then.
std::optional<LatentSet> encode_corpus(const diffusion::Vae& vae, const corpus::Corpus& corpus,
                                       const RunOptions& options);

}  // namespace lucid::pretrain
