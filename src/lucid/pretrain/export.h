// SPDX-License-Identifier: Apache-2.0
// Writes a trained prior as a diffusers folder with float16 weights, which lucid and Python's diffusers load.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <map>
#include <string>

#include "lucid/pretrain/data.h"
#include "lucid/pretrain/sizes.h"

namespace lucid::pretrain {

using NamedTensors = std::map<std::string, torch::Tensor>;

/// Writes model_index.json, scheduler/, views.json, vocabulary.json and the config.json of the three networks. The
/// folder must hold tokenizer/ already.
void write_prior_configs(const std::filesystem::path& folder, const Sizes& sizes, const Words& words,
                         int64_t picture_size);
void write_text_encoder(const std::filesystem::path& folder, const NamedTensors& weights);
void write_vae(const std::filesystem::path& folder, const NamedTensors& weights);
void write_unet(const std::filesystem::path& folder, const NamedTensors& weights);

/// The parameters of a module by name; they share its memory.
NamedTensors named_weights(const torch::nn::Module& module);

}  // namespace lucid::pretrain
