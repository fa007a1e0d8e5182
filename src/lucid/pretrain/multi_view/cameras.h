// SPDX-License-Identifier: Apache-2.0
// The cameras of pictures of a corpus, as a multi-view U-Net reads them.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "lucid/text_to_image/view_prompts.h"

namespace lucid::pretrain {

/// [n,16] float: multi_view_camera_at() (camera/multi_view.h) of each direction.
torch::Tensor cameras_at(const std::vector<text_to_image::Direction>& directions, torch::Device device);

}  // namespace lucid::pretrain
