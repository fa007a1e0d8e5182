// SPDX-License-Identifier: Apache-2.0
// Examples of the upscaler: a small picture as a prior draws it, and the real render that it stands for.
#pragma once

#include <optional>

#include "lucid/diffusion/vae.h"
#include "lucid/pretrain/data.h"
#include "lucid/pretrain/stage.h"

namespace lucid::pretrain {

/// The views of a corpus, made smaller by `factor`.
struct SmallPictures {
  int64_t factor = 0;
  torch::Tensor plain;    // [V,3,s,s] uint8: means of factor x factor pixels
  torch::Tensor decoded;  // [V,3,s,s] uint8: the same through the prior's VAE, whose blur a prior's pictures have
};

/// nullopt if stopped.
std::optional<SmallPictures> small_pictures(const corpus::Corpus& corpus, diffusion::Vae vae, int64_t factor,
                                            const RunOptions& options);

/// Windows of pictures, colours in 0..1.
struct UpscaleBatch {
  torch::Tensor small;  // [n,3,c,c]
  torch::Tensor large;  // [n,3,factor c,factor c]
};
/// `count` windows of kWindow pixels around points of random training views' objects. Renders of an asset are softer
/// than real ones and a little noisy, so most windows are blurred or get noise; half are mirrored. A function of `rng`.
UpscaleBatch draw_windows(const corpus::Corpus& corpus, const SmallPictures& pictures,
                          const std::vector<int64_t>& views, Rng rng, int64_t count);
inline constexpr int64_t kWindow = 40;

}  // namespace lucid::pretrain
