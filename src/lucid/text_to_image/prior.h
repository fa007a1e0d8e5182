// SPDX-License-Identifier: Apache-2.0
// The prior: a frozen text-to-image diffusion model (tokenizer, text encoder, U-Net, VAE, noise schedule), loaded from
// a diffusers folder and checked for consistency.
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

/// All modules are in evaluation mode and their weights need no gradient. Images still get a gradient through the VAE.
struct Prior {
  text::Tokenizer tokenizer;
  text::Encoder encoder;
  diffusion::UNet unet;
  diffusion::Vae vae;
  diffusion::Schedule schedule;
  std::filesystem::path folder;  // or the single file it was loaded from
  std::vector<std::filesystem::path> weight_files;
  /// Words that stand for several tokens, and their expansion: textual inversions of several vectors.
  std::vector<std::pair<std::string, std::string>> token_expansions = {};
  std::vector<std::string> added_words = {};  // of textual inversions
  int64_t picture_size = 0;                   // pixels per side: the U-Net's sample_size times the VAE's downscale
};

/// From a diffusers folder (model_index.json, tokenizer/, text_encoder/, unet/, vae/, scheduler/). U-Net and VAE take
/// inputs of dtypes.dtype; the text encoder's weights stay as they are stored. Throws UserError.
Prior load_prior(const std::filesystem::path& folder, const nn::WeightDtypes& dtypes = {});

/// `text` with the words of prior.token_expansions expanded, as the tokenizer must read it.
std::string expand_tokens(const Prior& prior, const std::string& text);

/// The text encoder's last_hidden_state for `text`, [1,L,D]. Computed anew at each call.
torch::Tensor embed(const Prior& prior, const std::string& text);

/// Embeddings of the prompt with the words of each view anchor (views.json of the folder, else front, side and back as
/// in the reference), of the negative prompt and of the inverse prompt.
ViewPrompts view_prompts(const Prior& prior, const std::string& text, const std::string& negative,
                         const std::string& inverse_text);

/// The same without words of views: one anchor, for a prior whose prompts are instructions.
ViewPrompts plain_prompts(const Prior& prior, const std::string& text, const std::string& negative,
                          const std::string& inverse_text);

}  // namespace lucid::text_to_image
