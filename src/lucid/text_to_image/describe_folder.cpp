// SPDX-License-Identifier: Apache-2.0
// Describes folders: a diffusers pipeline, a ControlNet, or what people name in place of one.
#include <fmt/format.h>

#include <algorithm>

#include "lucid/base/error.h"
#include "lucid/json/json_config.h"
#include "lucid/text_to_image/describe_parts.h"
#include "lucid/text_to_image/prior_checks.h"
#include "lucid/weights/torch_file.h"

namespace lucid::text_to_image {
namespace fs = std::filesystem;
namespace {

bool is_regular(const fs::path& file) {
  std::error_code none;
  return fs::is_regular_file(file, none);
}

constexpr ForeignModel kForeignPipelines[] = {{"StableDiffusionXLInpaint", "an SDXL inpainting model"},
                                              {"StableDiffusionXLInstructPix2Pix", "an SDXL InstructPix2Pix"},
                                              {"StableDiffusion3", "Stable Diffusion 3"},
                                              {"Flux", "FLUX"},
                                              {"StableDiffusionInpaint", "an inpainting model"},
                                              {"StableDiffusionDepth2Img", "a depth model"},
                                              {"StableDiffusionUpscale", "an upscaling model"},
                                              {"StableDiffusionLatentUpscale", "an upscaling model"},
                                              {"StableUnCLIP", "Stable unCLIP"},
                                              {"StableCascade", "Stable Cascade"},
                                              {"PixArt", "PixArt"},
                                              {"ImageDream", "ImageDream"}};

/// Which model of another kind a U-Net's config belongs to; "" if it may be Stable Diffusion 1.x, 2.x or SDXL.
std::string foreign_unet(const JsonConfig& json) {
  if (json.has("class_embed_type")) return "Stable unCLIP";
  if (json.integer("ip_dim", 0) > 0) return "ImageDream";
  const int64_t in = json.integer("in_channels", 4);
  const int64_t out = json.integer("out_channels", 4);
  if (in == out || in == 2 * out) return "";  // twice as many: InstructPix2Pix
  switch (in) {
    case 9:
      return "an inpainting model";
    case 7:
      return "an upscaling model";
    case 5:
      return "a depth model";
    default:
      return "";
  }
}

struct FolderPart {
  const char *folder, *stem;
};
constexpr FolderPart kFolderParts[] = {
    {"text_encoder", "model"}, {"unet", "diffusion_pytorch_model"}, {"vae", "diffusion_pytorch_model"}};

/// Adds the part's weight files to the description, or what is missing of them.
void find_weights(const fs::path& folder, const FolderPart& part, WeightsDescription& description) {
  try {
    for (const fs::path& file : weights::part_files(folder / part.folder, part.stem)) description.files.push_back(file);
  } catch (const UserError& error) {
    const fs::path file = error.mistake().file;
    if (is_regular(file)) throw;  // an index that is damaged
    description.missing.push_back(file.lexically_relative(folder).string());
  }
}

/// A folder of a hub's cache keeps the model one level down: the folder to name instead, empty if it is none.
fs::path snapshot_of(const fs::path& folder) {
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder / "snapshots", none)) {
    if (is_regular(entry.path() / "model_index.json")) return entry.path();
  }
  return {};
}

void describe_control_net(const fs::path& folder, const JsonConfig& config, WeightsDescription& description) {
  description.kind = WeightsKind::kControlNet;
  const int64_t width = config.positive("cross_attention_dim", diffusion::UNetConfig{}.cross_attention_dim);
  description.what = "ControlNet for " + family_of_width(width);
  if (width == kWidthOfXl) return refuse_as(description, "an SDXL ControlNet");
  find_weights(folder, {"", "diffusion_pytorch_model"}, description);
}

/// The first file, by name, that may hold weights; empty if there is none.
fs::path any_weight_file(const fs::path& folder) {
  fs::path first;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    const std::string end = entry.path().extension().string();
    const bool weights = end == ".safetensors" || end == ".ckpt" || end == ".pt";
    if (weights && (first.empty() || entry.path() < first)) first = entry.path();
  }
  return first;
}

/// A folder that is no pipeline: a ControlNet, or the wrong folder.
void describe_other_folder(const fs::path& folder, WeightsDescription& description) {
  const auto refuse = [&](const std::string& what, const std::string& hint) {
    description.what = what;
    description.refusal = "is " + what;
    description.hint = hint;
  };
  if (const fs::path snapshot = snapshot_of(folder); !snapshot.empty()) {
    return refuse("the outer folder of a download cache, not the model", "name " + snapshot.string());
  }
  if (const fs::path file = folder / "config.json"; is_regular(file)) {
    const JsonConfig config(file);
    if (config.text("_class_name", "") == "ControlNetModel") return describe_control_net(folder, config, description);
    return refuse("one part of a model", "name the folder above it, which holds model_index.json");
  }
  const fs::path weights = any_weight_file(folder);
  refuse("no diffusers folder: it has no model_index.json",
         weights.empty() ? "a prior is a diffusers folder, a .safetensors or a .ckpt file"
                         : "it holds weight files; name one, as " + weights.string());
}

void describe_pipeline(const fs::path& folder, WeightsDescription& description) {
  description.kind = WeightsKind::kFolder;
  description.what = "a text-to-image model in diffusers layout";
  if (const std::string foreign = foreign_model(folder); !foreign.empty()) {
    description.what = foreign;
    return refuse_as(description, foreign);
  }
  const auto expect = [&](const char* file) {
    if (!is_regular(folder / file)) description.missing.emplace_back(file);
  };
  for (const char* file : kPriorFiles) expect(file);
  for (const FolderPart& part : kFolderParts) find_weights(folder, part, description);
  if (!is_regular(folder / "unet/config.json") || !is_xl_folder(folder)) return;
  description.what = "SDXL in diffusers layout";
  for (const char* file : kSecondTextFiles) expect(file);
  find_weights(folder, {"text_encoder_2", "model"}, description);
}

bool holds_parts(const fs::path& folder) {
  return is_regular(folder / "model_index.json") || std::ranges::any_of(kFolderParts, [&](const FolderPart& part) {
           std::error_code none;
           return fs::is_directory(folder / part.folder, none);
         });
}

}  // namespace

std::string foreign_model(const fs::path& folder) {
  const fs::path index = folder / "model_index.json", unet = folder / "unet/config.json";
  const std::string pipeline = is_regular(index) ? JsonConfig(index).text("_class_name", "") : "";
  for (const auto& [mark, name] : kForeignPipelines) {
    if (pipeline.starts_with(mark)) return std::string(name);
  }
  // The refiner has the second text encoder only.
  if (pipeline.starts_with("StableDiffusionXL") && is_regular(folder / "text_encoder_2/config.json") &&
      !is_regular(folder / "text_encoder/config.json")) {
    return std::string(kRefiner);
  }
  return is_regular(unet) ? foreign_unet(JsonConfig(unet)) : "";
}

WeightsDescription describe_folder(const fs::path& folder) {
  WeightsDescription description{.path = folder};
  if (holds_parts(folder)) {
    describe_pipeline(folder, description);
  } else {
    describe_other_folder(folder, description);
  }
  description.container = description.kind == WeightsKind::kUnknown ? "folder" : "diffusers folder";
  for (const fs::path& file : description.files) {
    refuse_placeholder(file);
    count_stored(weights::read_weights(file), description);
  }
  return description;
}

}  // namespace lucid::text_to_image
