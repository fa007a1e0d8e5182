// SPDX-License-Identifier: Apache-2.0
// Tensor names of single-file checkpoints of Stable Diffusion 1.x and 2.x (CompVis latent-diffusion layout) and of SDXL
// (Stability AI's sgm layout), translated to diffusers' names. The translation reads names; it reads a shape only where
// the name is not enough.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lucid/weights/state_dict.h"

namespace lucid::weights {

struct LdmParts {
  StateDict unet, vae, text;      // diffusers' names; `text` has CLIPTextModel's names, with the prefix `text_model.`
  StateDict text_2;               // SDXL's second encoder, all its layers; else empty
  torch::Tensor projection = {};  // [P,D] of its pooled output, the transpose of what the file holds
  bool xl = false;                // SDXL: `text` is CLIP's, `text_2` OpenCLIP's
  bool open_clip = false;         // Stable Diffusion 2.x: OpenCLIP's text encoder; its fused q, k, v are split
  /// Names that belong to no part. Leftovers of training (schedules, EMA weights, optimiser state) are not listed.
  std::vector<std::string> unknown;
};

/// Where SDXL's second text encoder is in a single file, and what its refiner has in place of the first.
inline constexpr std::string_view kXlText = "conditioner.embedders.1.model.",
                                  kRefinerText = "conditioner.embedders.0.model.";
/// A U-Net's tensors under diffusers' names. A file with latent-diffusion's names without a prefix
/// (`input_blocks.0.0.weight`, MVDream's port) is translated; any other is returned as it is.
StateDict ldm_unet(StateDict file);

/// Whether the tensors have the latent-diffusion layout (`model.diffusion_model.*`).
bool is_ldm(const StateDict& file);

/// A ControlNet's tensors under diffusers' names. The file may have those names or the original code's
/// (`control_model.*`). Throws UserError if it is no ControlNet or its block numbering is not Stable Diffusion's.
StateDict control_net_of(const StateDict& file);

/// The text encoder of a file in the layout of OpenAI's CLIP and of OpenCLIP (`transformer.resblocks.*`), all layers,
/// under transformers' names with the prefix `text_model.`. Other parts of CLIP are left out.
StateDict open_clip_text(const StateDict& file);

/// Names of a U-Net's layer in the sgm layout, without `.weight`: "down_blocks.1.attentions.0.proj_in" ->
/// "input_blocks.4.1.proj_in". An upsampler has two, since its number depends on the block's attention. None if the
/// name is no layer's.
std::vector<std::string> sgm_names(std::string_view diffusers_name, int64_t layers_per_block);

/// Splits a checkpoint into U-Net, VAE and text encoders under diffusers' names. Tensors share the file's memory.
/// Throws UserError if a part is missing or the block numbering is not Stable Diffusion's. The U-Net of InstructPix2Pix
/// is that of its averaged weights, where the file has them.
LdmParts split_ldm(const StateDict& file);

}  // namespace lucid::weights
