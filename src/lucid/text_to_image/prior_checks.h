// SPDX-License-Identifier: Apache-2.0
// Checks that the loaders of a prior share (diffusers folder, single file).
#pragma once

#include <array>
#include <filesystem>

#include "lucid/text_to_image/prior.h"

namespace lucid::text_to_image {

/// What a diffusers folder holds beside its weights.
inline constexpr std::array kPriorFiles = {
    "model_index.json", "tokenizer/vocab.json", "tokenizer/merges.txt",           "text_encoder/config.json",
    "unet/config.json", "vae/config.json",      "scheduler/scheduler_config.json"};

/// And what one of SDXL holds besides.
inline constexpr std::array kSecondTextFiles = {"tokenizer_2/vocab.json", "tokenizer_2/merges.txt",
                                                "text_encoder_2/config.json"};

/// Throws UserError about `file` unless the widths of text encoder, U-Net and VAE agree.
void check_compatible(const Prior& prior, const std::filesystem::path& file);

/// sample_size of a U-Net's config.json, in latent pixels per side: a number, or two equal ones. Throws UserError.
int64_t sample_size(const std::filesystem::path& file);

/// Whether the folder's U-Net takes SDXL's vector.
bool is_xl_folder(const std::filesystem::path& folder);

/// force_zeros_for_empty_prompt of a model_index.json; true where it says nothing. Throws UserError.
bool zeros_for_empty(const std::filesystem::path& model_index);

}  // namespace lucid::text_to_image
