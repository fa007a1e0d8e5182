// SPDX-License-Identifier: Apache-2.0
// Kinds of weight files, told apart by their tensors' names.
#include "describe_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "lucid/base/sha256.h"
#include "lucid/weights/ldm.h"
#include "lucid/weights/torch_file.h"

namespace lucid::cli {
namespace {

using weights::StateDict;

double millions(const StateDict& state) {
  double count = 0;
  for (const auto& [name, tensor] : state.tensors) count += static_cast<double>(tensor.numel());
  return count * 1e-6;
}

bool any_with(const StateDict& state, const char* part) {
  return std::ranges::any_of(state.tensors,
                             [&](const auto& entry) { return entry.first.find(part) != std::string::npos; });
}

void describe_checkpoint(const StateDict& state) {
  const weights::LdmParts parts = weights::split_ldm(state);
  fmt::print("  Stable Diffusion {} checkpoint (single file)\n", parts.open_clip ? "2.x" : "1.x");
  fmt::print("  U-Net {:.2f} M, VAE {:.2f} M, text encoder {:.2f} M numbers ({})\n", millions(parts.unet),
             millions(parts.vae), millions(parts.text), parts.open_clip ? "OpenCLIP" : "CLIP");
  fmt::print("  prediction    {}\n", parts.open_clip ? "epsilon or v, found by a probe when it is loaded" : "epsilon");
  if (!parts.unknown.empty()) {
    fmt::print("  {} names that belong to no part, the first: {}\n", parts.unknown.size(), parts.unknown.front());
  }
}

/// The layout of a LoRA file, "" if it is none.
std::string lora_layout(const StateDict& state) {
  if (any_with(state, ".hada_w1_")) return "LoHa (LyCORIS)";
  if (any_with(state, ".lokr_w")) return "LoKr (LyCORIS)";
  if (any_with(state, ".lora_down.weight")) return any_with(state, ".lora_mid.") ? "LoCon (kohya)" : "LoRA (kohya)";
  if (any_with(state, ".lora_A.")) return "LoRA (PEFT)";
  if (any_with(state, "_lora.down.weight") || any_with(state, ".lora.down.weight")) return "LoRA (diffusers)";
  if (state.tensors.contains("unet:0:up") || state.tensors.contains("text_encoder:0:up"))
    return "LoRA (cloneofsimo PTI)";
  return "";
}

bool is_inversion(const StateDict& state) {
  if (state.tensors.contains("string_to_param.*") || state.tensors.contains("emb_params")) return true;
  return !state.tensors.empty() && std::ranges::all_of(state.tensors, [](const auto& entry) {
    return entry.second.dim() >= 1 && entry.second.dim() <= 2 && entry.first.find('.') == std::string::npos;
  });
}

std::string part_of_a_model(const StateDict& state) {
  if (any_with(state, "controlnet_cond_embedding.") || any_with(state, "control_model.")) return "ControlNet";
  if (any_with(state, "down_blocks.0.resnets.0.time_emb_proj.")) return "U-Net (diffusers)";
  if (any_with(state, "encoder.down_blocks.0.")) return "VAE (diffusers)";
  if (any_with(state, "embeddings.token_embedding.")) return "text encoder (transformers)";
  return "";
}

}  // namespace

void describe_weights(const std::filesystem::path& file) {
  const bool pickled = weights::looks_like_torch_file(file);
  const StateDict state = weights::read_weights(file);
  std::map<std::string, int64_t> kinds;
  for (const auto& [name, tensor] : state.tensors) kinds[std::string(tensor.dtype().name())] += tensor.numel();
  fmt::print("{}: {}, {} tensors, {:.2f} M numbers\n", file.string(),
             pickled ? "torch pickle (read as data)" : "safetensors", state.tensors.size(), millions(state));
  if (weights::is_ldm(state)) {
    describe_checkpoint(state);
  } else if (const std::string layout = lora_layout(state); !layout.empty()) {
    fmt::print("  {}\n", layout);
  } else if (const std::string part = part_of_a_model(state); !part.empty()) {
    fmt::print("  {}\n", part);
  } else if (is_inversion(state)) {
    fmt::print("  textual inversion, width {}\n", state.tensors.begin()->second.size(-1));
  }
  for (const auto& [kind, count] : kinds) fmt::print("  {}: {}\n", kind, count);
  for (const char* key : {"modelspec.title", "modelspec.license", "license"}) {
    const auto it = state.metadata.find(key);
    if (it != state.metadata.end()) fmt::print("  {}: {}\n", key, it->second.substr(0, 200));
  }
  fmt::print("  SHA-256 {}\n", sha256_of_file(file));
}

}  // namespace lucid::cli
