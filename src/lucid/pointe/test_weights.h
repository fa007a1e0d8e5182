// SPDX-License-Identifier: Apache-2.0
// For tests: a folder with Point-E's three files, tiny and with random weights, that the loaders take without being
// told the number of heads.
#pragma once

#include <cmath>
#include <filesystem>
#include <map>
#include <string>

#include "lucid/pointe/transformer.h"
#include "lucid/text/encoder.h"
#include "lucid/weights/state_dict.h"

namespace lucid::pointe::test_weights {

using Tensors = std::map<std::string, torch::Tensor>;

constexpr int64_t kWidth = 64, kVectorWidth = 24, kVocabulary = 49408;

/// Random numbers for every parameter and buffer of a module: norms near 1, matrices of a size that keeps signals.
inline Tensors random_tensors(const torch::nn::Module& module) {
  Tensors tensors;
  for (const auto& entry : module.named_parameters()) {
    const torch::Tensor& like = entry.value();
    const bool is_norm = entry.key().find("ln_") != std::string::npos || entry.key().find("norm") != std::string::npos;
    const double scale = like.dim() == 2 ? 1 / std::sqrt(static_cast<double>(like.size(1))) : 0.1;
    tensors[entry.key()] = torch::randn(like.sizes()) * scale + (is_norm && entry.key().ends_with("weight") ? 1 : 0);
  }
  return tensors;
}

inline Tensors transformer_tensors(TransformerConfig::Kind kind) {
  const bool upsample = kind == TransformerConfig::Kind::kUpsample;
  const PointTransformer net(TransformerConfig{.kind = kind,
                                               .width = kWidth,
                                               .layers = upsample ? 1 : 2,
                                               .heads = 1,
                                               .mlp_width = 4 * kWidth,
                                               .condition_width = upsample ? 40 : kVectorWidth});
  Tensors tensors = random_tensors(*net);
  if (upsample) {
    tensors["channel_scales"] = torch::tensor({2.0, 2.0, 2.0, 0.007843137255, 0.007843137255, 0.007843137255});
    tensors["channel_biases"] = torch::tensor({0.0, 0.0, 0.0, -1.0, -1.0, -1.0});
  }
  return tensors;
}

inline Tensors clip_tensors() {
  const text::Encoder encoder(text::EncoderConfig{
      .vocab_size = kVocabulary, .hidden_size = kWidth, .intermediate_size = 2 * kWidth, .layers = 1, .heads = 1});
  Tensors tensors = random_tensors(*encoder);
  for (auto& [name, tensor] : tensors) {
    if (name.ends_with("embedding.weight")) tensor = torch::randn(tensor.sizes()).to(torch::kHalf);
  }
  tensors["text_projection.weight"] = torch::randn({kVectorWidth, kWidth});
  tensors["vision_model.post_layernorm.weight"] = torch::ones({8});  // a part that is not read
  return tensors;
}

inline void write_folder(const std::filesystem::path& folder) {
  torch::manual_seed(7);
  std::filesystem::create_directories(folder / "clip-vit-large-patch14");
  weights::write_safetensors(folder / "base_40m_textvec.safetensors",
                             transformer_tensors(TransformerConfig::Kind::kVector));
  weights::write_safetensors(folder / "upsample_40m.safetensors",
                             transformer_tensors(TransformerConfig::Kind::kUpsample));
  weights::write_safetensors(folder / "clip-vit-large-patch14/model.safetensors", clip_tensors());
}

}  // namespace lucid::pointe::test_weights
