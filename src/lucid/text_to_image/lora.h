// SPDX-License-Identifier: Apache-2.0
// LoRA (Hu et al. 2021): low-rank updates of a prior's weights, W + scale * delta. Reads the file layouts in use: kohya
// and A1111 (with LoCon convolutions), LyCORIS' LoHa and LoKr, DoRA, diffusers' old names and PEFT, cloneofsimo's PTI.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "lucid/text_to_image/prior.h"
#include "lucid/weights/state_dict.h"

namespace lucid::text_to_image {

/// The update of one layer. Which factors it has depends on the kind of file.
struct LayerChange {
  std::map<std::string, torch::Tensor> factors;  // "up", "down", "mid", "alpha", "hada_w1_a", "lokr_w2", "diff", ...
  double alpha = 0;                              // delta is scaled by alpha / rank; 0: not given, scale 1

  /// The low-rank update of a weight of this shape, in double. Throws std::invalid_argument if the factors do not fit.
  torch::Tensor delta(at::IntArrayRef weight) const;
  /// What is added to this weight, in double: delta(), or for DoRA (Liu et al. 2024)
  /// magnitude * (W + delta) / |W + delta| - W. The norm is per output, or per input if the magnitudes are [1,in].
  torch::Tensor delta_of(const torch::Tensor& weight) const;
};

struct Lora {
  std::filesystem::path file = {};
  std::map<std::string, LayerChange> unet = {}, text = {},
                                     text_2 = {};    // by module name in the prior's U-Net and text encoders
  std::map<std::string, torch::Tensor> tokens = {};  // token -> embedding [D]: textual inversions inside PTI files
};

/// Reads a .safetensors or torch.save file and assigns each tensor to a layer of `prior`. Throws UserError: unreadable
/// file, a LoRA for another family of models, a tensor of a layer that the prior does not have, an alpha that is no
/// number.
Lora read_lora(const std::filesystem::path& file, const Prior& prior);

/// "Stable Diffusion 1.x", "Stable Diffusion 2.x" or "SDXL" by the file's names and the width of its cross attention;
/// "" if they tell nothing.
std::string lora_family(const weights::StateDict& state);

/// Adds `scale` times the updates to the prior's weights. Throws UserError with both shapes if one does not fit, or if
/// a factor is missing.
void apply_lora(const Lora& lora, double scale, Prior& prior);

}  // namespace lucid::text_to_image
