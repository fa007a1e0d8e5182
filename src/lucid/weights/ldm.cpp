// SPDX-License-Identifier: Apache-2.0
// Rename tables from latent-diffusion to diffusers, and the arithmetic of U-Net block numbers.
// latent-diffusion numbers the blocks of all levels consecutively. With n layers per level, input_blocks 1..n belong to
// level 0, input_blocks n+1 is its downsampler, and so on. output_blocks has n+1 blocks per level; the upsampler is
// part of the level's last block.
#include "lucid/weights/ldm.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <set>
#include <span>
#include <string_view>

#include "lucid/base/error.h"
#include "lucid/weights/error_messages.h"

namespace lucid::weights {
namespace {

constexpr std::string_view kUNet = "model.diffusion_model.", kControl = "control_model.", kVae = "first_stage_model.",
                           kClip = "cond_stage_model.transformer.", kOpenClip = "cond_stage_model.model.",
                           kXlClip = "conditioner.embedders.0.transformer.",
                           kImageDream = "model.diffusion_model.image_embed.";
constexpr int64_t kAllLayers = std::numeric_limits<int64_t>::max();
// Prefixes of tensors that inference does not need: noise schedules, EMA weights, logits, loss weights.
constexpr std::string_view kIgnored[] = {
    "alphas_cumprod",         "betas",        "sqrt_",        "log_one_minus_", "posterior_", "model_ema.",
    "cond_stage_model.logit", "lvlb_weights", "scale_factor", "denoiser."};

using Rename = std::pair<std::string_view, std::string_view>;
constexpr Rename kResnet[] = {{"in_layers.0.", "norm1."},          {"in_layers.2.", "conv1."},
                              {"emb_layers.1.", "time_emb_proj."}, {"out_layers.0.", "norm2."},
                              {"out_layers.3.", "conv2."},         {"skip_connection.", "conv_shortcut."}};
constexpr Rename kUNetEnds[] = {{"time_embed.0.", "time_embedding.linear_1."},
                                {"time_embed.2.", "time_embedding.linear_2."},
                                {"label_emb.0.0.", "add_embedding.linear_1."},
                                {"label_emb.0.2.", "add_embedding.linear_2."},
                                {"camera_embed.0.", "camera_embedding.linear_1."},
                                {"camera_embed.2.", "camera_embedding.linear_2."},
                                {"input_blocks.0.0.", "conv_in."},
                                {"out.0.", "conv_norm_out."},
                                {"out.2.", "conv_out."}};
constexpr Rename kVaeParts[] = {{"nin_shortcut.", "conv_shortcut."},
                                {"norm_out.", "conv_norm_out."},
                                {"mid.block_1.", "mid_block.resnets.0."},
                                {"mid.block_2.", "mid_block.resnets.1."},
                                {"mid.attn_1.norm.", "mid_block.attentions.0.group_norm."},
                                {"mid.attn_1.q.", "mid_block.attentions.0.to_q."},
                                {"mid.attn_1.k.", "mid_block.attentions.0.to_k."},
                                {"mid.attn_1.v.", "mid_block.attentions.0.to_v."},
                                {"mid.attn_1.proj_out.", "mid_block.attentions.0.to_out.0."}};
constexpr Rename kOpenClipLayer[] = {{"ln_1.", "layer_norm1."},
                                     {"ln_2.", "layer_norm2."},
                                     {"attn.out_proj.", "self_attn.out_proj."},
                                     {"mlp.c_fc.", "mlp.fc1."},
                                     {"mlp.c_proj.", "mlp.fc2."}};

/// `name` with its prefix replaced by the first rename whose `from` it starts with; nullopt if there is none.
std::optional<std::string> renamed(std::string_view name, std::span<const Rename> renames) {
  for (const auto& [from, to] : renames) {
    if (name.starts_with(from)) return std::string(to) + std::string(name.substr(from.size()));
  }
  return std::nullopt;
}

/// Removes a number and its dot ("12.") from the front of `name`; nullopt if there is none.
std::optional<int64_t> take_number(std::string_view& name) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end == name.data() + name.size() || *end != '.' || number < 0 || number > 1000) {
    return std::nullopt;
  }
  name.remove_prefix(static_cast<size_t>(end - name.data()) + 1);
  return number;
}

[[noreturn]] void refuse(const StateDict& file, const std::string& what, const std::string& key = "") {
  throw UserError(UserMistake{.what_happened = what,
                              .file = file.file.string(),
                              .key = shortened(key),
                              .hint = "a Stable Diffusion 1.x, 2.x or SDXL checkpoint was expected"});
}

bool any_begins_with(const StateDict& file, std::string_view prefix) {
  return std::ranges::any_of(file.tensors, [&](const auto& entry) { return entry.first.starts_with(prefix); });
}

/// Translates names of one U-Net, or of a ControlNet (a U-Net's encoder half).
class UNetNames {
 public:
  UNetNames(const StateDict& file, std::string_view prefix) {
    // The first downsampler closes level 0, which gives the number of blocks per level.
    std::set<int64_t> steps_down;
    int64_t last = 0;
    for (const auto& [name, tensor] : file.tensors) {
      std::string_view rest = name;
      if (!rest.starts_with(prefix)) continue;
      rest.remove_prefix(prefix.size());
      if (!rest.starts_with("input_blocks.")) continue;
      rest.remove_prefix(std::string_view("input_blocks.").size());
      const auto block = take_number(rest);
      if (!block) continue;
      last = std::max(last, *block);
      if (rest == "0.op.weight") steps_down.insert(*block);
    }
    if (steps_down.empty() || *steps_down.begin() < 2) refuse(file, "the U-Net has no step down");
    stride_ = *steps_down.begin();
    if ((last + 1) % stride_ != 0) refuse(file, "the U-Net's blocks are not numbered as Stable Diffusion's");
  }

  std::optional<std::string> diffusers(std::string_view name) const {
    if (const auto end = renamed(name, kUNetEnds)) return end;
    if (name.starts_with("middle_block.")) return middle(name.substr(13));
    if (name.starts_with("input_blocks.")) return input(name.substr(13));
    if (name.starts_with("output_blocks.")) return output(name.substr(14));
    return std::nullopt;
  }

 private:
  static std::optional<std::string> part(const std::string& resnet, const std::string& attention, int64_t which,
                                         std::string_view rest) {
    if (which == 1) return attention + std::string(rest);
    const auto inner = renamed(rest, kResnet);
    return inner ? std::optional(resnet + *inner) : std::nullopt;
  }
  static std::optional<std::string> middle(std::string_view rest) {
    const auto which = take_number(rest);
    if (!which || *which > 2) return std::nullopt;
    return part(fmt::format("mid_block.resnets.{}.", *which / 2), "mid_block.attentions.0.", *which, rest);
  }
  std::optional<std::string> input(std::string_view rest) const {
    const auto block = take_number(rest), which = take_number(rest);
    if (!block || !which || *which > 1 || *block == 0) return std::nullopt;
    const int64_t level = (*block - 1) / stride_, layer = (*block - 1) % stride_;
    if (rest.starts_with("op.")) {
      return fmt::format("down_blocks.{}.downsamplers.0.conv.{}", level, rest.substr(3));
    }
    return part(fmt::format("down_blocks.{}.resnets.{}.", level, layer),
                fmt::format("down_blocks.{}.attentions.{}.", level, layer), *which, rest);
  }
  std::optional<std::string> output(std::string_view rest) const {
    const auto block = take_number(rest), which = take_number(rest);
    if (!block || !which || *which > 2) return std::nullopt;
    const int64_t level = *block / stride_, layer = *block % stride_;
    if (rest.starts_with("conv.")) {  // the upsampler: module 2 of the block, or 1 where it has no attention
      return fmt::format("up_blocks.{}.upsamplers.0.conv.{}", level, rest.substr(5));
    }
    if (*which == 2) return std::nullopt;
    return part(fmt::format("up_blocks.{}.resnets.{}.", level, layer),
                fmt::format("up_blocks.{}.attentions.{}.", level, layer), *which, rest);
  }

  int64_t stride_ = 0;  // blocks per level: its layers and one more
};

int64_t levels_of_decoder(const StateDict& file) {
  constexpr std::string_view kUp = "first_stage_model.decoder.up.";
  int64_t levels = 0;
  for (const auto& [name, tensor] : file.tensors) {
    std::string_view rest = name;
    if (!rest.starts_with(kUp)) continue;
    rest.remove_prefix(kUp.size());
    if (const auto level = take_number(rest)) levels = std::max(levels, *level + 1);
  }
  return levels;
}

/// A VAE tensor's name in diffusers. latent-diffusion counts the decoder's levels from the image side, diffusers from
/// the latent side.
std::optional<std::string> vae_name(std::string_view name, int64_t levels) {
  if (name.starts_with("quant_conv.") || name.starts_with("post_quant_conv.")) return std::string(name);
  const bool encoder = name.starts_with("encoder.");
  if (!encoder && !name.starts_with("decoder.")) return std::nullopt;
  const std::string side(name.substr(0, 8));
  name.remove_prefix(8);
  const std::string_view blocks = encoder ? "down." : "up.";
  if (!name.starts_with(blocks)) return side + renamed(name, kVaeParts).value_or(std::string(name));
  name.remove_prefix(blocks.size());
  const auto level = take_number(name);
  if (!level || (!encoder && *level >= levels)) return std::nullopt;
  const std::string block =
      side + (encoder ? fmt::format("down_blocks.{}.", *level) : fmt::format("up_blocks.{}.", levels - 1 - *level));
  for (const auto& [from, to] : {Rename{"downsample.", "downsamplers.0."}, Rename{"upsample.", "upsamplers.0."}}) {
    if (name.starts_with(from)) return block + std::string(to) + std::string(name.substr(from.size()));
  }
  if (!name.starts_with("block.")) return std::nullopt;
  name.remove_prefix(6);
  const auto layer = take_number(name);
  if (!layer) return std::nullopt;
  return fmt::format("{}resnets.{}.{}", block, *layer, renamed(name, kVaeParts).value_or(std::string(name)));
}

/// Adds one tensor of OpenCLIP's text encoder to `text`; false if its name is unknown. Layers from layers - 1 on are
/// skipped: Stable Diffusion 2.x, of `layers` layers, reads the penultimate one, as in diffusers' folders.
/// text_projection and logit_scale serve contrastive training only and are skipped too.
bool add_open_clip(std::string_view name, const torch::Tensor& tensor, int64_t layers,
                   std::map<std::string, torch::Tensor>& text) {
  const std::string model = "text_model.";
  if (name == "text_projection" || name == "logit_scale") return true;
  if (name == "token_embedding.weight") return text.emplace(model + "embeddings.token_embedding.weight", tensor).second;
  if (name == "positional_embedding")
    return text.emplace(model + "embeddings.position_embedding.weight", tensor).second;
  if (name.starts_with("ln_final."))
    return text.emplace(model + "final_layer_norm." + std::string(name.substr(9)), tensor).second;
  constexpr std::string_view kLayers = "transformer.resblocks.";
  if (!name.starts_with(kLayers)) return false;
  name.remove_prefix(kLayers.size());
  const auto layer = take_number(name);
  if (!layer) return false;
  if (*layer + 1 >= layers) return true;
  const std::string prefix = fmt::format("{}encoder.layers.{}.", model, *layer);
  for (const std::string_view what : {"weight", "bias"}) {
    if (name != std::string("attn.in_proj_") + std::string(what)) continue;
    if (tensor.dim() < 1 || tensor.size(0) % 3 != 0) return false;
    const auto parts = tensor.chunk(3, 0);
    const char* const kParts[] = {"q_proj", "k_proj", "v_proj"};
    for (size_t i = 0; i < 3; ++i) text.emplace(fmt::format("{}self_attn.{}.{}", prefix, kParts[i], what), parts[i]);
    return true;
  }
  const auto inner = renamed(name, kOpenClipLayer);
  return inner && text.emplace(prefix + *inner, tensor).second;
}

int64_t open_clip_layers(const StateDict& file) {
  int64_t layers = 0;
  for (const auto& [name, tensor] : file.tensors) {
    std::string_view rest = name;
    constexpr std::string_view kLayers = "cond_stage_model.model.transformer.resblocks.";
    if (!rest.starts_with(kLayers)) continue;
    rest.remove_prefix(kLayers.size());
    if (const auto layer = take_number(rest)) layers = std::max(layers, *layer + 1);
  }
  return layers;
}

/// latent-diffusion stores the VAE's attention projections as 1x1 convolutions [o,i,1,1], diffusers as matrices [o,i].
torch::Tensor as_linear(const std::string& name, const torch::Tensor& tensor) {
  const bool attention = name.find("attentions.0.to_") != std::string::npos;
  return attention && tensor.dim() == 4 && tensor.size(2) == 1 && tensor.size(3) == 1 ? tensor.flatten(1) : tensor;
}

}  // namespace

StateDict open_clip_text(const StateDict& file) {
  StateDict text{.file = file.file, .tensors = {}, .mappings = file.mappings};
  for (const auto& [name, tensor] : file.tensors) add_open_clip(name, tensor, kAllLayers, text.tensors);
  return text;
}

StateDict control_net_of(const StateDict& file) {
  StateDict net{.file = file.file, .tensors = {}, .mappings = file.mappings};
  if (any_begins_with(file, "controlnet_cond_embedding.")) {
    net.tensors = file.tensors;
    return net;
  }
  if (!any_begins_with(file, kControl)) {
    throw UserError(UserMistake{.what_happened = "is no ControlNet",
                                .file = file.file.string(),
                                .hint = "a diffusers folder, or one file with control_model.* was expected"});
  }
  const UNetNames unet(file, kControl);
  constexpr std::string_view kHint = "input_hint_block.", kZero = "zero_convs.", kMiddleOut = "middle_block_out.0.";
  int64_t last_hint = 0;  // number of the last convolution; they have even numbers, activations odd ones
  for (const auto& [name, tensor] : file.tensors) {
    std::string_view rest = name;
    if (!rest.starts_with(kControl) || !rest.substr(kControl.size()).starts_with(kHint)) continue;
    rest.remove_prefix(kControl.size() + kHint.size());
    last_hint = std::max(last_hint, take_number(rest).value_or(0));
  }
  const auto named = [&](std::string_view rest) -> std::optional<std::string> {
    if (rest.starts_with(kMiddleOut)) {
      return "controlnet_mid_block." + std::string(rest.substr(kMiddleOut.size()));
    }
    if (rest.starts_with(kZero)) {
      rest.remove_prefix(kZero.size());
      const auto block = take_number(rest), none = take_number(rest);
      if (!block || none != 0) return std::nullopt;
      return fmt::format("controlnet_down_blocks.{}.{}", *block, rest);
    }
    if (!rest.starts_with(kHint)) return unet.diffusers(rest);
    rest.remove_prefix(kHint.size());
    const auto place = take_number(rest);
    if (!place || *place % 2 != 0) return std::nullopt;
    if (*place == 0) return fmt::format("controlnet_cond_embedding.conv_in.{}", rest);
    if (*place == last_hint) return fmt::format("controlnet_cond_embedding.conv_out.{}", rest);
    return fmt::format("controlnet_cond_embedding.blocks.{}.{}", *place / 2 - 1, rest);
  };
  for (const auto& [name, tensor] : file.tensors) {
    const bool is_ours = name.starts_with(kControl);
    const auto now = is_ours ? named(std::string_view(name).substr(kControl.size())) : std::nullopt;
    net.tensors.emplace(now.value_or(name), tensor);  // an unknown name stays, and load_into() reports it
  }
  return net;
}

StateDict ldm_unet(StateDict file) {
  if (!file.tensors.contains("input_blocks.0.0.weight")) return file;
  const UNetNames names(file, "");
  std::map<std::string, torch::Tensor> renamed;
  for (auto& [name, tensor] : file.tensors) {
    // An unknown name stays, and load_into() reports it.
    renamed.emplace(names.diffusers(name).value_or(name), std::move(tensor));
  }
  file.tensors = std::move(renamed);
  return file;
}

namespace {

/// The average over training (EMA) of a U-Net's tensor; null where the file has none. Its name is without the points.
const torch::Tensor* averaged(const StateDict& file, std::string_view name) {
  std::string inner(name.substr(std::string_view("model.").size()));
  std::erase(inner, '.');
  const auto it = file.tensors.find("model_ema." + inner);
  return it == file.tensors.end() ? nullptr : &it->second;
}

/// InstructPix2Pix was made to be used with its averaged weights; its files hold both.
bool uses_averages(const StateDict& file) {
  const auto conv_in = file.tensors.find(std::string(kUNet) + "input_blocks.0.0.weight");
  constexpr int64_t kLatentsAndPicture = 8;
  return conv_in != file.tensors.end() && conv_in->second.dim() == 4 && conv_in->second.size(1) == kLatentsAndPicture;
}

}  // namespace

bool is_ldm(const StateDict& file) { return any_begins_with(file, kUNet); }

std::vector<std::string> sgm_names(std::string_view diffusers_name, int64_t layers_per_block) {
  const std::string name = std::string(diffusers_name) + ".";  // the tables' names end in a dot
  const auto original = [](std::string_view rest, std::span<const Rename> renames) -> std::optional<std::string> {
    for (const auto& [from, to] : renames) {
      if (rest.starts_with(to)) return std::string(from) + std::string(rest.substr(to.size()));
    }
    return std::nullopt;
  };
  const auto layer_of = [](std::string text) {
    text.pop_back();
    return text;
  };
  if (const auto end = original(name, kUNetEnds)) return {layer_of(*end)};
  std::string_view rest = name;
  const auto take = [&](std::string_view prefix) {
    const bool there = rest.starts_with(prefix);
    if (there) rest.remove_prefix(prefix.size());
    return there;
  };
  const bool middle = take("mid_block."), down = !middle && take("down_blocks.");
  if (!middle && !down && !take("up_blocks.")) return {};
  const int64_t level = middle ? 0 : take_number(rest).value_or(-1);
  const std::string_view kinds[] = {"resnets.", "attentions.", "downsamplers.", "upsamplers."};
  const auto* const kind = std::ranges::find_if(kinds, [&](std::string_view each) { return take(each); });
  const auto layer = take_number(rest);
  if (level < 0 || kind == std::end(kinds) || !layer) return {};
  const int64_t stride = layers_per_block + 1;
  const bool resnet = kind == kinds, attention = kind == kinds + 1;
  if (!resnet && !attention) {
    if (middle || !take("conv.")) return {};
    if (down) return {fmt::format("input_blocks.{}.0.op", stride * (level + 1))};
    const int64_t block = stride * level + layers_per_block;
    return {fmt::format("output_blocks.{}.1.conv", block), fmt::format("output_blocks.{}.2.conv", block)};
  }
  const std::optional<std::string> inner = resnet ? original(rest, kResnet) : std::string(rest);
  if (!inner || inner->empty()) return {};
  if (middle) return {layer_of(fmt::format("middle_block.{}.{}", attention ? 1 : 2 * *layer, *inner))};
  const int64_t block = down ? stride * level + *layer + 1 : stride * level + *layer;
  return {layer_of(fmt::format("{}_blocks.{}.{}.{}", down ? "input" : "output", block, attention ? 1 : 0, *inner))};
}

LdmParts split_ldm(const StateDict& file) {
  if (!is_ldm(file)) refuse(file, "has no model.diffusion_model.*");
  for (const auto& [name, tensor] : file.tensors) {
    if (name.starts_with(kRefinerText)) refuse(file, "SDXL's refiner: not supported", name);
  }
  if (any_begins_with(file, kImageDream)) {
    throw UserError(UserMistake{.what_happened = "ImageDream: not supported",
                                .file = file.file.string(),
                                .hint = "it draws from a picture; MVDream draws from a text alone"});
  }
  const UNetNames unet(file, kUNet);
  const int64_t vae_levels = levels_of_decoder(file), layers = open_clip_layers(file);
  LdmParts parts;
  parts.open_clip = layers > 0;
  for (StateDict* part : {&parts.unet, &parts.vae, &parts.text, &parts.text_2}) {
    part->file = file.file;
    part->mappings = file.mappings;
  }
  const auto add = [&](StateDict& part, const std::optional<std::string>& name, const torch::Tensor& tensor) {
    return name && part.tensors.emplace(*name, as_linear(*name, tensor)).second;
  };
  const bool averages = uses_averages(file);
  for (const auto& [name, tensor] : file.tensors) {
    const std::string_view whole = name;
    bool known = std::ranges::any_of(kIgnored, [&](std::string_view prefix) { return whole.starts_with(prefix); });
    if (whole.starts_with(kUNet)) {
      const torch::Tensor* average = averages ? averaged(file, whole) : nullptr;
      known = add(parts.unet, unet.diffusers(whole.substr(kUNet.size())), average != nullptr ? *average : tensor);
    } else if (whole.starts_with(kVae)) {
      const std::string_view inner = whole.substr(kVae.size());
      known = inner.starts_with("loss.") || inner.starts_with("model_ema.") ||
              add(parts.vae, vae_name(inner, vae_levels), tensor);
    } else if (whole.starts_with(kOpenClip)) {
      known = add_open_clip(whole.substr(kOpenClip.size()), tensor, layers, parts.text.tensors);
    } else if (whole.starts_with(kXlText)) {
      const std::string_view inner = whole.substr(kXlText.size());
      parts.xl = true;
      if (inner == "text_projection" && tensor.dim() == 2) parts.projection = tensor.t();
      known = add_open_clip(inner, tensor, kAllLayers, parts.text_2.tensors);
    } else if (whole.starts_with(kClip) || whole.starts_with(kXlClip)) {
      const std::string inner(whole.substr(whole.starts_with(kClip) ? kClip.size() : kXlClip.size()));
      known = inner.ends_with("position_ids") ||
              add(parts.text, inner.starts_with("text_model.") ? inner : "text_model." + inner, tensor);
    }
    if (!known) parts.unknown.push_back(name);
  }
  if (parts.vae.tensors.empty()) refuse(file, "has no first_stage_model.*: the VAE is missing");
  if (parts.text.tensors.empty())
    refuse(file, parts.xl ? "has no conditioner.embedders.0.*: the first text encoder is missing"
                          : "has no cond_stage_model.*: the text encoder is missing");
  return parts;
}

}  // namespace lucid::weights
