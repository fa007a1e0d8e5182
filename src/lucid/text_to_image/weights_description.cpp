// SPDX-License-Identifier: Apache-2.0
// Kinds of weight files, told apart by their tensors' names, and names of models.
#include "lucid/text_to_image/weights_description.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "lucid/base/error.h"
#include "lucid/text_to_image/describe_parts.h"
#include "lucid/text_to_image/lora.h"
#include "lucid/text_to_image/single_file.h"
#include "lucid/text_to_image/textual_inversion.h"
#include "lucid/weights/error_messages.h"
#include "lucid/weights/ldm.h"
#include "lucid/weights/torch_file.h"

namespace lucid::text_to_image {
namespace fs = std::filesystem;
namespace {

using weights::StateDict;

/// Whether the U-Net has the widths of the published models, which are a config's default.
bool has_published_widths(const diffusion::UNetConfig& unet) {
  const bool xl = unet.vector_width > 0;
  return unet.block_out_channels ==
         (xl ? std::vector<int64_t>{320, 640, 1280} : diffusion::UNetConfig{}.block_out_channels);
}

std::string multi_view_name(const diffusion::UNetConfig& unet, bool open_clip) {
  return fmt::format("MVDream (Stable Diffusion {} with cameras, {} views at once)", open_clip ? "2.x" : "1.x",
                     unet.views);
}

double millions(int64_t numbers) { return static_cast<double>(numbers) * 1e-6; }

int64_t numbers_of(const StateDict& state) {
  int64_t count = 0;
  for (const auto& [name, tensor] : state.tensors) count += tensor.numel();
  return count;
}

bool any_with(const StateDict& state, std::string_view part) {
  return std::ranges::any_of(state.tensors,
                             [&](const auto& entry) { return entry.first.find(part) != std::string::npos; });
}

/// The first tensor whose name holds one of `parts` and ends in `end`; null if there is none.
const torch::Tensor* tensor_with(const StateDict& state, const std::vector<std::string>& parts,
                                 const std::string& end) {
  for (const auto& [name, tensor] : state.tensors) {
    const bool holds = std::ranges::any_of(
        parts, [&, &whole = name](const std::string& part) { return whole.find(part) != std::string::npos; });
    if (holds && name.ends_with(end)) return &tensor;
  }
  return nullptr;
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

struct PartName {
  const char *mark, *name, *place;  // a tensor's name, what the part is, its file in a diffusers folder
};
constexpr PartName kParts[] = {
    {"down_blocks.0.resnets.0.time_emb_proj.", "U-Net (diffusers)", "unet/diffusion_pytorch_model.safetensors"},
    {"encoder.down_blocks.0.", "VAE (diffusers)", "vae/diffusion_pytorch_model.safetensors"},
    {"encoder.down.0.", "VAE (original layout)", "vae/diffusion_pytorch_model.safetensors"},
    {"embeddings.token_embedding.", "text encoder (transformers)", "text_encoder/model.safetensors"}};

/// Models whose single files have names of their own.
constexpr ForeignModel kForeignFiles[] = {{weights::kRefinerText, kRefiner},
                                          {"model.diffusion_model.joint_blocks.", "Stable Diffusion 3"},
                                          {"joint_blocks.0.", "Stable Diffusion 3"},
                                          {"double_blocks.0.", "FLUX"},
                                          {"model.diffusion_model.image_embed.", "ImageDream"},
                                          {"lora_unet_double_blocks_", "FLUX"}};

/// Changes the description of a Stable Diffusion of those sizes.
void describe_multi_view(const diffusion::UNetConfig& unet, bool open_clip, WeightsDescription& description) {
  description.what = multi_view_name(unet, open_clip) + " checkpoint (single file)" +
                     (has_published_widths(unet) ? "" : ", of sizes unlike the published ones");
  for (std::string& detail : description.details) {
    if (detail.starts_with("prediction ")) detail = "prediction epsilon";
  }
}

void describe_checkpoint(const StateDict& state, WeightsDescription& description) {
  description.kind = WeightsKind::kCheckpoint;
  const weights::LdmParts parts = weights::split_ldm(state);
  const diffusion::UNetConfig unet = unet_config_of(parts);
  const char* family = parts.xl ? "SDXL" : parts.open_clip ? "Stable Diffusion 2.x" : "Stable Diffusion 1.x";
  description.what = fmt::format("{}{} checkpoint (single file){}", unet.sees_picture() ? "InstructPix2Pix, " : "",
                                 family, has_published_widths(unet) ? "" : ", of sizes unlike the published ones");
  const double text = millions(numbers_of(parts.text)), second = millions(numbers_of(parts.text_2));
  description.details = {
      fmt::format("U-Net {:.2f} M, VAE {:.2f} M, text encoder {:.2f} M numbers ({})", millions(numbers_of(parts.unet)),
                  millions(numbers_of(parts.vae)), text + second,
                  parts.xl          ? fmt::format("CLIP {:.2f} M, OpenCLIP {:.2f} M", text, second)
                  : parts.open_clip ? "OpenCLIP"
                                    : "CLIP"),
      fmt::format("U-Net channels {}, cross-attention {}", fmt::join(unet.block_out_channels, "-"),
                  unet.cross_attention_dim),
      fmt::format("prediction {}", parts.open_clip ? "epsilon or v, found by a probe when it is loaded" : "epsilon")};
  if (!parts.unknown.empty()) {
    description.details.push_back(fmt::format("{} names that belong to no part, the first: {}", parts.unknown.size(),
                                              weights::shortened(parts.unknown.front())));
  }
  if (unet.is_multi_view()) describe_multi_view(unet, parts.open_clip, description);
}

void describe_lora(const StateDict& state, const std::string& layout, WeightsDescription& description) {
  description.kind = WeightsKind::kLora;
  description.what = layout;
  for (const auto& [name, mark] : state.metadata) {
    if (mark == "<embed>") description.words.push_back(name);  // PTI files hold words beside the layers
  }
  // The second axis of the factor on a cross-attention's key is the width of the text encoder.
  const std::vector<std::string> keys = {"attn2_to_k", "attn2.to_k", "attn2.processor.to_k"};
  const torch::Tensor* down = nullptr;
  for (const char* end : {"lora_down.weight", "lora_A.weight", "lora.down.weight"}) {
    if (down == nullptr) down = tensor_with(state, keys, end);
  }
  const std::string family = lora_family(state);
  const bool has_rank = down != nullptr && down->dim() >= 2;
  if (has_rank || !family.empty())
    description.what += " for " + (family.empty() ? family_of_width(down->size(1)) : family);
  if (!has_rank) return;
  description.details.push_back(fmt::format("rank {}", down->size(0)));
}

void describe_inversion(const StateDict& state, WeightsDescription& description) {
  description.kind = WeightsKind::kInversion;
  for (const Inversion& inversion : read_inversions(state.file)) {
    const int64_t width = inversion.vectors.size(1);
    description.what =
        inversion.second.defined()
            ? fmt::format("textual inversion, widths {} and {}, for SDXL", width, inversion.second.size(1))
            : fmt::format("textual inversion, width {}, for {}", width, family_of_width(width));
    description.words.push_back(inversion.token);
    description.details.push_back(fmt::format("the word {} with {} vector{}", weights::shortened(inversion.token),
                                              inversion.vectors.size(0), inversion.vectors.size(0) == 1 ? "" : "s"));
  }
}

void describe_control_net(const StateDict& state, WeightsDescription& description) {
  description.kind = WeightsKind::kControlNet;
  description.what = "ControlNet";
  const StateDict net = weights::control_net_of(state);
  const torch::Tensor* key = tensor_with(net, {"attn2.to_k"}, ".weight");
  if (key == nullptr || key->dim() != 2) return;
  description.what += " for " + family_of_width(key->size(1));
  if (key->size(1) == kWidthOfXl) refuse_as(description, "an SDXL ControlNet");
}

void describe_tensors(const StateDict& state, WeightsDescription& description) {
  count_stored(state, description);
  description.metadata = state.metadata;
  for (const auto& [mark, name] : kForeignFiles) {
    if (!any_with(state, mark)) continue;
    description.what = name;
    return refuse_as(description, name);
  }
  if (any_with(state, "model.diffusion_model.label_emb.") && !any_with(state, weights::kXlText)) {
    description.what = "unCLIP or upscaling";
    return refuse_as(description, description.what);
  }
  if (weights::is_ldm(state)) return describe_checkpoint(state, description);
  if (const std::string layout = lora_layout(state); !layout.empty()) return describe_lora(state, layout, description);
  if (any_with(state, "controlnet_cond_embedding.") || any_with(state, "control_model."))
    return describe_control_net(state, description);
  for (const auto& [mark, name, place] : kParts) {
    if (!any_with(state, mark)) continue;
    description.kind = WeightsKind::kPart;
    description.what = name;
    description.refusal = fmt::format("is one part of a model, the {}", name);
    description.hint = fmt::format("it belongs at {} of a diffusers folder; check the folder", place);
    return;
  }
  if (is_inversion(state)) return describe_inversion(state, description);
  description.what = "weights of an unknown kind";
  description.refusal = "is nothing that lucid knows: no checkpoint, LoRA, textual inversion or ControlNet";
  description.hint = kUsableModels;
}

WeightsDescription describe_file(const fs::path& file) {
  refuse_placeholder(file);
  WeightsDescription description{.path = file, .files = {file}};
  const bool pickled = weights::looks_like_torch_file(file);
  const StateDict state = weights::read_weights(file);
  description.container =
      fmt::format("{}, {} tensors", pickled ? "torch pickle (read as data)" : "safetensors", state.tensors.size());
  describe_tensors(state, description);
  return description;
}

std::string dtype_text(torch::ScalarType type) {
  switch (type) {
    case torch::kFloat:
      return "float32";
    case torch::kHalf:
      return "float16";
    case torch::kBFloat16:
      return "bfloat16";
    case torch::kDouble:
      return "float64";
    case torch::kByte:
      return "uint8";
    case torch::kChar:
      return "int8";
    default:
      return c10::toString(type);
  }
}

}  // namespace

void count_stored(const StateDict& state, WeightsDescription& description) {
  for (const auto& [name, tensor] : state.tensors) {
    const bool counter = tensor.scalar_type() == torch::kLong || tensor.scalar_type() == torch::kInt;
    if (!counter && tensor.numel() > 0) description.stored[dtype_text(tensor.scalar_type())] += tensor.numel();
  }
}

void refuse_placeholder(const fs::path& file) {
  std::array<char, 64> start{};
  std::ifstream in(file, std::ios::binary);
  in.read(start.data(), start.size());
  const std::string_view text(start.data(), static_cast<size_t>(in.gcount()));
  if (text.starts_with("version https://git-lfs")) {
    throw UserError({.what_happened = "is a pointer of Git LFS, not the weights",
                     .file = file.string(),
                     .hint = "`git lfs pull` in its repository fetches them"});
  }
  if (text.starts_with("<!DOCTYPE") || text.starts_with("<!doctype") || text.starts_with("<html")) {
    throw UserError({.what_happened = "is a web page, not weights",
                     .file = file.string(),
                     .hint = "the download failed, often because it wants a login; fetch the file again"});
  }
}

int64_t WeightsDescription::numbers() const {
  int64_t count = 0;
  for (const auto& [type, numbers] : stored) count += numbers;
  return count;
}

WeightsDescription describe_weights(const fs::path& path) {
  std::error_code none;
  if (!fs::exists(path, none)) throw UserError({.what_happened = "does not exist", .file = path.string()});
  if (fs::is_directory(path, none)) return describe_folder(path);
  if (!fs::is_regular_file(path, none))
    throw UserError({.what_happened = "is neither a file nor a folder", .file = path.string()});
  return describe_file(path);
}

void check_usable(const WeightsDescription& description) {
  if (!description.refusal.empty()) {
    throw UserError(
        {.what_happened = description.refusal, .file = description.path.string(), .hint = description.hint});
  }
  if (!description.missing.empty()) {
    throw UserError(
        {.what_happened = fmt::format("is not complete: {} {} missing", fmt::join(description.missing, ", "),
                                      description.missing.size() == 1 ? "is" : "are"),
         .file = description.path.string(),
         .hint = "copy them from where the model came from, or fetch the whole folder again"});
  }
}

std::string family_of_width(int64_t width) {
  switch (width) {
    case kWidthOf1:
      return "Stable Diffusion 1.x";
    case kWidthOf2:
      return "Stable Diffusion 2.x";
    case kWidthOfXl:
      return "SDXL";
    default:
      return fmt::format("a text encoder {} wide", width);
  }
}

std::string family_of(const Prior& prior) {
  if (prior.second) return family_of_width(kWidthOfXl);
  return family_of_width(prior.encoder->config().activation == "gelu" ? kWidthOf2 : kWidthOf1);
}

std::string model_name(const Prior& prior) {
  const diffusion::UNetConfig& unet = prior.unet->config();
  std::error_code none;
  if (fs::exists(prior.folder / "vocabulary.json", none)) {
    return fmt::format("a prior that `lucid prior train{}` made", unet.is_multi_view() ? " --multi-view" : "");
  }
  if (unet.is_multi_view()) return multi_view_name(unet, prior.encoder->config().activation == "gelu");
  const bool in_v = prior.schedule.config().prediction == diffusion::Prediction::kV;
  const bool open_clip = prior.encoder->config().activation == "gelu";
  if (unet.sees_picture()) return open_clip ? "InstructPix2Pix, of Stable Diffusion 2.x" : "InstructPix2Pix";
  std::string name = prior.second ? (in_v ? "SDXL, v-prediction" : "SDXL")
                     : !open_clip ? (in_v ? "Stable Diffusion 1.x, v-prediction" : "Stable Diffusion 1.x")
                     : in_v       ? "Stable Diffusion 2.x, v-prediction"
                                  : "Stable Diffusion 2.x base (epsilon)";
  const int64_t width = prior.second ? kWidthOfXl : open_clip ? kWidthOf2 : kWidthOf1;
  const bool published = has_published_widths(unet) && unet.cross_attention_dim == width;
  return published ? name : name + ", of sizes unlike the published ones";
}

}  // namespace lucid::text_to_image
