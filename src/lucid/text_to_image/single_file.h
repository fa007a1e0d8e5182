// SPDX-License-Identifier: Apache-2.0
// Loads a prior from a single checkpoint file of Stable Diffusion 1.x, 2.x or SDXL, or of a finetune. Such a file holds
// weights only: layer sizes are read from tensor shapes, all other settings are the ones these models share.
#pragma once

#include <filesystem>
#include <optional>

#include "lucid/diffusion/denoiser.h"
#include "lucid/text_to_image/prior.h"
#include "lucid/weights/ldm.h"

namespace lucid::text_to_image {

struct SingleFileOptions {
  /// CLIP's merges.txt, gzipped; the tokenizer is built from it.
  std::filesystem::path merges;
  /// A diffusers folder whose configs and tokenizer replace Stable Diffusion's; its weights are not read.
  std::filesystem::path configs = {};
  /// What the U-Net predicts. nullopt: epsilon for 1.x and SDXL, detect_prediction() for 2.x, which exists as epsilon
  /// model and as v model under the same tensor names.
  std::optional<diffusion::Prediction> prediction = std::nullopt;
  nn::WeightDtypes dtypes = {};  // see load_prior
};

/// Throws UserError: unreadable file, not such a checkpoint, or layer sizes unlike Stable Diffusion's.
Prior load_single_file(const std::filesystem::path& file, const SingleFileOptions& options);

/// The noise schedule that all Stable Diffusion 1.x and 2.x models were trained with.
diffusion::ScheduleConfig stable_diffusion_schedule(diffusion::Prediction prediction);

/// Network configs from tensor shapes. Shapes do not show the numbers of heads and groups: 32 groups and 8 heads (1.x)
/// or heads of 64 channels (2.x, SDXL) are assumed.
diffusion::UNetConfig unet_config_of(const weights::LdmParts& parts);
diffusion::VaeConfig vae_config_of(const weights::LdmParts& parts);
text::EncoderConfig encoder_config_of(const weights::LdmParts& parts);
text::EncoderConfig second_encoder_config_of(const weights::LdmParts& parts);  // SDXL's OpenCLIP

/// Finds out whether a U-Net predicts epsilon or v: it is asked about pure noise [1,channels,h,w] at the last timestep.
/// An epsilon model returns that noise; a v model returns minus its estimate of x_0.
diffusion::Prediction detect_prediction(diffusion::Denoiser& unet, int64_t channels, const torch::Tensor& empty_prompt);

}  // namespace lucid::text_to_image
