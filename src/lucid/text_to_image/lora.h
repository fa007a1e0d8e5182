// SPDX-License-Identifier: Apache-2.0
// Low-rank changes of a prior's weights, W + scale * delta (Hu et al. 2021), from the files people share: kohya's and
// A1111's (with LoCon convolutions), LyCORIS' LoHa and LoKr, DoRA, diffusers' old and new (PEFT) names, cloneofsimo's
// PTI.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "lucid/text_to_image/prior.h"
#include "lucid/weights/state_dict.h"

namespace lucid::text_to_image {

/// One layer's change; which factors are there depends on the kind of file.
struct LayerChange {
  std::map<std::string, torch::Tensor> factors;  // "up", "down", "mid", "alpha", "hada_w1_a", "lokr_w2", "diff", ...
  double alpha = 0;                              // 0: none given, which stands for the rank

  /// The change of a weight of this size, in double. Throws std::invalid_argument that says what does not fit.
  torch::Tensor delta(at::IntArrayRef weight) const;
  /// The change of this weight, in double: delta(), or with a DoRA's magnitudes (Liu et al. 2024) what leads to
  /// magnitude * (W + delta) / |W + delta|, the norm of each output, or of each input where the magnitudes are [1,in].
  torch::Tensor delta_of(const torch::Tensor& weight) const;
};

struct Lora {
  std::filesystem::path file;
  std::map<std::string, LayerChange> unet, text;  // by module, as the prior's networks name them
  std::map<std::string, torch::Tensor> tokens;    // textual inversions that PTI files hold beside, [D]
};

/// Reads a .safetensors file, or one of torch.save. Which layer each change is for follows from the prior's own names.
/// Throws UserError: a layer that the prior does not have, a change whose factors are not all there.
Lora read_lora(const std::filesystem::path& file, const Prior& prior);

/// Adds scale times the changes to the prior's weights. Throws UserError that names both shapes where they do not fit.
void apply_lora(const Lora& lora, double scale, Prior& prior);

}  // namespace lucid::text_to_image
