// SPDX-License-Identifier: Apache-2.0
// A frozen text-to-image prior: the parts of a diffusers folder, loaded together and checked against one another.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <string>
#include <vector>

#include "lucid/diffusion/schedule.h"
#include "lucid/diffusion/unet.h"
#include "lucid/diffusion/vae.h"
#include "lucid/text/encoder.h"
#include "lucid/text/tokenizer.h"
#include "lucid/text_to_image/view_prompts.h"

namespace lucid::text_to_image {

/// All modules are in evaluation mode and want no gradient for their weights (pictures still get theirs through the
/// VAE).
struct Prior {
  text::Tokenizer tokenizer;
  text::Encoder encoder;
  diffusion::UNet unet;
  diffusion::Vae vae;
  diffusion::Schedule schedule;
  std::filesystem::path folder;  // or the one file that all came from
  std::vector<std::filesystem::path> weight_files;
  /// Words that stand for several tokens, and how they are spelt then (textual inversions of several vectors).
  std::vector<std::pair<std::string, std::string>> token_expansions = {};
  int64_t picture_size = 0;  // pixels a side: the U-Net's sample_size times the VAE's downscale
};

/// From a diffusers folder (model_index.json, tokenizer/, text_encoder/, unet/, vae/, scheduler/). U-Net and VAE take
/// inputs of types.precision; the text encoder's weights stay as they are stored. Throws UserError.
Prior load_prior(const std::filesystem::path& folder, const nn::WeightTypes& types = {});

/// `text` with its token_expansions, as the tokenizer reads it.
std::string expand_tokens(const Prior& prior, const std::string& text);

/// last_hidden_state of `text`: [1,L,D]. Not cached here.
torch::Tensor embed(const Prior& prior, const std::string& text);

/// The prompt with the words of each view anchor (the folder's views.json, else the reference's front, side and back),
/// the negative and the inverse prompt.
ViewPrompts view_prompts(const Prior& prior, const std::string& text, const std::string& negative,
                         const std::string& inverse_text);

}  // namespace lucid::text_to_image
