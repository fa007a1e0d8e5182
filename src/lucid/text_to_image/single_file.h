// SPDX-License-Identifier: Apache-2.0
// A prior from one file: the checkpoints of Stable Diffusion 1.x and 2.x and their finetunes, as model sites have them.
// Such a file holds weights only; sizes follow from its tensors, everything else from what all of these models share.
#pragma once

#include <filesystem>
#include <optional>

#include "lucid/diffusion/denoiser.h"
#include "lucid/text_to_image/prior.h"
#include "lucid/weights/ldm.h"

namespace lucid::text_to_image {

struct SingleFileOptions {
  /// CLIP's merges (merges.txt, gzipped), from which the tokenizer follows.
  std::filesystem::path merges;
  /// A diffusers folder whose configs and tokenizer hold instead of Stable Diffusion's; its weights are not read.
  std::filesystem::path configs = {};
  /// What the U-Net predicts; none: epsilon for 1.x, found by a probe for 2.x, whose two models have the same names.
  std::optional<diffusion::Prediction> prediction = std::nullopt;
  nn::WeightTypes types = {};  // see load_prior
};

/// Throws UserError.
Prior load_single_file(const std::filesystem::path& file, const SingleFileOptions& options);

/// What all models of Stable Diffusion 1.x and 2.x were trained with.
diffusion::ScheduleConfig stable_diffusion_schedule(diffusion::Prediction prediction);

/// Sizes from shapes. Heads and groups leave no trace: 32 groups, and 8 heads (1.x) or heads of 64 channels (2.x).
diffusion::UNetConfig unet_config_of(const weights::LdmParts& parts);
diffusion::VaeConfig vae_config_of(const weights::LdmParts& parts);
text::EncoderConfig encoder_config_of(const weights::LdmParts& parts);

/// Told pure noise [1,channels,h,w] at the last timestep, a U-Net of noise gives it back; one of velocities gives the
/// mean picture.
diffusion::Prediction detect_prediction(diffusion::Denoiser& unet, int64_t channels, const torch::Tensor& empty_prompt);

}  // namespace lucid::text_to_image
