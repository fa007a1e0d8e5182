// SPDX-License-Identifier: Apache-2.0
// Single-file checkpoints of Stable Diffusion 1.x and 2.x in the layout of the original code (CompVis'
// latent-diffusion), renamed to what diffusers calls the same tensors. Names alone are looked at, and shapes where a
// name does not settle it.
#pragma once

#include <string>
#include <vector>

#include "lucid/weights/state_dict.h"

namespace lucid::weights {

struct LdmParts {
  StateDict unet, vae, text;  // diffusers' names; text as CLIPTextModel's, with `text_model.`
  bool open_clip = false;     // Stable Diffusion 2.x: OpenCLIP's text tower, its fused attention taken apart
  /// What belongs to neither part: names without what training leaves behind (schedules, averages, optimisers).
  std::vector<std::string> unknown;
};

/// Whether a file's tensors have the layout.
bool is_ldm(const StateDict& file);

/// A ControlNet's tensors, whose file has either the original code's names (`control_model.*`) or diffusers', under the
/// latter. Throws UserError where it is no ControlNet, or one whose blocks cannot be told apart.
StateDict control_net_of(const StateDict& file);

/// Throws UserError where a part is missing or its blocks cannot be told apart. Tensors share the file's memory.
LdmParts split_ldm(const StateDict& file);

}  // namespace lucid::weights
