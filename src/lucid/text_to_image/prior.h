// SPDX-License-Identifier: Apache-2.0
// The prior: a frozen text-to-image diffusion model (tokenizer, text encoder, U-Net, VAE, noise schedule), loaded from
// a diffusers folder and checked for consistency.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lucid/diffusion/schedule.h"
#include "lucid/diffusion/unet.h"
#include "lucid/diffusion/vae.h"
#include "lucid/text/encoder.h"
#include "lucid/text/tokenizer.h"
#include "lucid/text_to_image/view_prompts.h"

namespace lucid::text_to_image {

/// What SDXL has beside another model's parts: OpenCLIP's bigG as second text encoder, and a vector beside the context.
struct SecondText {
  text::Tokenizer tokenizer;
  text::ProjectingEncoder text;
  /// Whether the empty prompt is a context and a pooled output of zeros, as in the published model, and not encoded.
  bool zeros_for_empty = true;
};

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
  std::optional<SecondText> second = std::nullopt;  // SDXL
  int64_t told_height = 0, told_width = 0;          // SDXL: of the views, which its vector names; 0: picture_size
};

/// A prompt as the U-Net takes it.
struct PromptEmbedding {
  torch::Tensor context;      // [1,L,D]
  torch::Tensor vector = {};  // [1,V] float32, of SDXL: pooled text, then original size, crop and target size, embedded
};

/// From a diffusers folder (model_index.json, tokenizer/, text_encoder/, unet/, vae/, scheduler/). U-Net and VAE take
/// inputs of dtypes.dtype; the text encoder's weights stay as they are stored. Throws UserError.
Prior load_prior(const std::filesystem::path& folder, const nn::WeightDtypes& dtypes = {});

/// `text` with the words of prior.token_expansions expanded, as the tokenizer must read it.
std::string expand_tokens(const Prior& prior, const std::string& text);

/// The text encoder's last_hidden_state for `text`. For SDXL the states after the last layer but one of both encoders,
/// side by side, and the vector. Computed anew at each call.
PromptEmbedding embed_prompt(const Prior& prior, const std::string& text);
inline torch::Tensor embed(const Prior& prior, const std::string& text) { return embed_prompt(prior, text).context; }

/// SDXL's vector [1,V] of a pooled text [1,P] for pictures of height x width pixels, not cropped. `size_width`: numbers
/// that embed each of the six.
torch::Tensor added_vector(const torch::Tensor& pooled, int64_t height, int64_t width, int64_t size_width);

/// Embeddings of the prompt with the words of each view anchor (views.json of the folder, else front, side and back as
/// in the reference), of the negative prompt and of the inverse prompt.
ViewPrompts view_prompts(const Prior& prior, const std::string& text, const std::string& negative,
                         const std::string& inverse_text);

/// Whether the prior's prompts take view words. A multi-view prior knows them if its folder has a views.json: ours are
/// trained with them beside the cameras, MVDream is not.
bool knows_view_words(const Prior& prior);

/// The same without words of views: one anchor, for a prior whose prompts are instructions, or one that knows its
/// cameras alone.
ViewPrompts plain_prompts(const Prior& prior, const std::string& text, const std::string& negative,
                          const std::string& inverse_text);

}  // namespace lucid::text_to_image
