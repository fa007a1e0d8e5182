// SPDX-License-Identifier: Apache-2.0
// A prior as a diffusers folder, in float16: what lucid and Python's diffusers both load.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <map>
#include <string>

#include "lucid/pretrain/data.h"
#include "lucid/pretrain/sizes.h"

namespace lucid::pretrain {

using NamedTensors = std::map<std::string, torch::Tensor>;

/// model_index.json, scheduler/, views.json, vocabulary.json; the configurations of the three networks. Needs
/// tokenizer/.
void write_prior_configs(const std::filesystem::path& folder, const Sizes& sizes, const Words& words,
                         int64_t picture_size);
void write_text_encoder(const std::filesystem::path& folder, const NamedTensors& weights);
void write_vae(const std::filesystem::path& folder, const NamedTensors& weights);
void write_unet(const std::filesystem::path& folder, const NamedTensors& weights);

NamedTensors named_weights(const torch::nn::Module& module);

}  // namespace lucid::pretrain
