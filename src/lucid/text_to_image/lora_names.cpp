// SPDX-License-Identifier: Apache-2.0
// The naming schemes of LoRA files: kohya, PTI, diffusers and PEFT.
#include "lucid/text_to_image/lora_names.h"

#include <algorithm>
#include <charconv>

#include "lucid/weights/ldm.h"

namespace lucid::text_to_image {
namespace {

constexpr std::string_view kWeight = ".weight";

/// Names of the modules whose weight has two or more axes.
std::vector<std::string> layers_of(const torch::nn::Module& network) {
  std::vector<std::string> layers;
  for (const auto& item : network.named_parameters()) {
    const std::string_view name = item.key();
    if (name.ends_with(kWeight) && item.value().dim() >= 2)
      layers.emplace_back(name.substr(0, name.size() - kWeight.size()));
  }
  return layers;
}

std::map<std::string, std::string, std::less<>> by_flat_name(const std::vector<std::string>& layers) {
  std::map<std::string, std::string, std::less<>> map;
  for (const std::string& layer : layers) {
    std::string flat = layer;
    std::ranges::replace(flat, '.', '_');
    map.emplace(flat, layer);
  }
  return map;
}

/// The order in which lora_diffusion (PTI) numbers a U-Net's layers: down blocks, up blocks, middle block; in each
/// transformer block the two attentions, then the gated projection.
std::vector<std::string> pti_unet_order(const std::vector<std::string>& layers) {
  std::vector<std::string> order;
  for (const std::string_view side : {"down_blocks.", "up_blocks.", "mid_block."}) {
    for (const std::string& layer : layers) {
      constexpr std::string_view kFirst = ".attn1.to_q";
      if (!layer.starts_with(side) || !layer.ends_with(kFirst)) continue;
      const std::string block = layer.substr(0, layer.size() - kFirst.size());
      for (const char* attention : {".attn1", ".attn2"}) {
        for (const char* part : {".to_q", ".to_k", ".to_v", ".to_out.0"}) order.push_back(block + attention + part);
      }
      order.push_back(block + ".ff.net.0.proj");
    }
  }
  return order;
}

std::vector<std::string> pti_text_order(const std::vector<std::string>& layers) {
  std::vector<std::string> order;
  for (const std::string& layer : layers) {
    constexpr std::string_view kFirst = ".self_attn.q_proj";
    if (!layer.ends_with(kFirst)) continue;
    const std::string attention = layer.substr(0, layer.size() - kFirst.size()) + ".self_attn";
    for (const char* part : {".k_proj", ".v_proj", ".q_proj", ".out_proj"}) order.push_back(attention + part);
  }
  return order;
}

bool take_front(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}
bool take_back(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

struct Suffix {
  std::string_view suffix, factor;
};
// Where one suffix ends in another, the longer one comes first.
constexpr Suffix kKohyaSuffixes[] = {{".lora_up.weight", "up"},   {".lora_down.weight", "down"},
                                     {".lora_mid.weight", "mid"}, {".dora_scale", "dora_scale"},
                                     {".alpha", "alpha"},         {".hada_w1_a", "hada_w1_a"},
                                     {".hada_w1_b", "hada_w1_b"}, {".hada_w2_a", "hada_w2_a"},
                                     {".hada_w2_b", "hada_w2_b"}, {".hada_t1", "hada_t1"},
                                     {".hada_t2", "hada_t2"},     {".lokr_w1", "lokr_w1"},
                                     {".lokr_w1_a", "lokr_w1_a"}, {".lokr_w1_b", "lokr_w1_b"},
                                     {".lokr_w2", "lokr_w2"},     {".lokr_w2_a", "lokr_w2_a"},
                                     {".lokr_w2_b", "lokr_w2_b"}, {".lokr_t2", "lokr_t2"},
                                     {".diff", "diff"},           {".diff_b", "diff_b"}};
constexpr Suffix kDiffusersSuffixes[] = {{".lora_linear_layer.down.weight", "down"},
                                         {".lora_linear_layer.up.weight", "up"},
                                         {"_lora.down.weight", "down"},
                                         {"_lora.up.weight", "up"},
                                         {".lora.down.weight", "down"},
                                         {".lora.up.weight", "up"},
                                         {".lora_A.default.weight", "down"},
                                         {".lora_B.default.weight", "up"},
                                         {".lora_A.weight", "down"},
                                         {".lora_B.weight", "up"},
                                         {".lora_magnitude_vector.weight", "dora_scale"},
                                         {".lora_magnitude_vector.default.weight", "dora_scale"},
                                         {".alpha", "alpha"}};

}  // namespace

bool LayerNames::Network::has(std::string_view module) const {
  std::string flat(module);
  std::ranges::replace(flat, '.', '_');
  const auto it = by_flat_name.find(flat);
  return it != by_flat_name.end() && it->second == module;
}

LayerNames::LayerNames(const Prior& prior) {
  const std::vector<std::string> unet = layers_of(*prior.unet), text = layers_of(*prior.encoder);
  networks_[0] = {.by_flat_name = by_flat_name(unet), .by_index = pti_unet_order(unet)};
  networks_[1] = {.by_flat_name = by_flat_name(text), .by_index = pti_text_order(text)};
  // The sgm layout's names of the U-Net's layers, which many LoRA files for SDXL have.
  for (const std::string& layer : unet) {
    for (std::string flat : weights::sgm_names(layer, prior.unet->config().layers_per_block)) {
      std::ranges::replace(flat, '.', '_');
      networks_[0].by_flat_name.emplace(flat, layer);
    }
  }
  has_second_ = prior.second.has_value();
  if (has_second_)
    networks_[2] = {.by_flat_name = by_flat_name(layers_of(*prior.second->text.encoder)), .by_index = {}};
}

std::optional<LayerPart> LayerNames::find(std::string_view name) const {
  if (auto part = kohya(name)) return part;
  if (auto part = pti(name)) return part;
  return diffusers(name);
}

// kohya: lora_unet_MODULE.lora_up.weight with the module's dots as underscores. Text encoder: lora_te_, or lora_te1_
// and lora_te2_ in files for models with two.
std::optional<LayerPart> LayerNames::kohya(std::string_view name) const {
  LayerPart part;
  if ((!has_second_ && take_front(name, "lora_te_")) || take_front(name, "lora_te1_")) {
    part.network = LoraNetwork::kText;
  } else if (take_front(name, "lora_te2_")) {
    part.network = LoraNetwork::kText2;
  } else if (!take_front(name, "lora_unet_")) {
    return std::nullopt;
  }
  for (const auto& [suffix, factor] : kKohyaSuffixes) {
    if (!take_back(name, suffix)) continue;
    const auto& modules = network(part.network).by_flat_name;
    const auto it = modules.find(name);
    if (it == modules.end()) return std::nullopt;
    part.module = it->second;
    part.factor = factor;
    return part;
  }
  return std::nullopt;
}

// diffusers: unet.MODULE.lora_A.weight (PEFT) or unet.ATTENTION.processor.to_q_lora.down.weight (older). The prefix may
// be text_encoder. or text_encoder_2.; a U-Net saved alone has no prefix.
std::optional<LayerPart> LayerNames::diffusers(std::string_view name) const {
  take_front(name, "base_model.model.");
  LayerPart part;
  if (take_front(name, "text_encoder.")) {
    part.network = LoraNetwork::kText;
  } else if (take_front(name, "text_encoder_2.")) {
    part.network = LoraNetwork::kText2;
  } else {
    take_front(name, "unet.");
  }
  for (const auto& [suffix, factor] : kDiffusersSuffixes) {
    if (!take_back(name, suffix)) continue;
    part.module = name;
    part.factor = factor;
    break;
  }
  if (part.factor.empty()) return std::nullopt;
  constexpr std::string_view kProcessor = ".processor";  // between an attention and its layers
  const size_t processor = part.module.find(kProcessor);
  if (processor != std::string::npos) part.module.erase(processor, kProcessor.size());
  if (network(part.network).has(part.module)) return part;
  // Older names: to_out stands for to_out.0, and the text encoder's layers have the U-Net's names.
  constexpr std::pair<std::string_view, std::string_view> kText[] = {
      {".to_q", ".q_proj"}, {".to_k", ".k_proj"}, {".to_v", ".v_proj"}, {".to_out", ".out_proj"}};
  if (part.network == LoraNetwork::kUNet) {
    part.module += ".0";
  } else {
    for (const auto& [old, now] : kText) {
      if (!part.module.ends_with(old)) continue;
      part.module.replace(part.module.size() - old.size(), old.size(), now);
      break;
    }
  }
  return network(part.network).has(part.module) ? std::optional(part) : std::nullopt;
}

// PTI: unet:INDEX:up, text_encoder:INDEX:down.
std::optional<LayerPart> LayerNames::pti(std::string_view name) const {
  LayerPart part;
  if (take_front(name, "text_encoder:")) {
    part.network = LoraNetwork::kText;
  } else if (!take_front(name, "unet:")) {
    return std::nullopt;
  }
  size_t index = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
  name.remove_prefix(static_cast<size_t>(end - name.data()));
  const auto& order = network(part.network).by_index;
  if (error != std::errc() || index >= order.size() || (name != ":up" && name != ":down")) return std::nullopt;
  part.module = order[index];
  part.factor = name.substr(1);
  return part;
}

}  // namespace lucid::text_to_image
