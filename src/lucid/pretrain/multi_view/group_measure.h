// SPDX-License-Identifier: Apache-2.0
// Held-out metrics of a multi-view U-Net during training: whether it reads the cameras and looks at the other views;
// and a contact sheet of sampled groups.
#pragma once

#include <nlohmann/json.hpp>

#include "lucid/pretrain/unet_measure.h"

namespace lucid::pretrain {

class GroupMeasure {
 public:
  GroupMeasure(const UNetData& data, const RunOptions& options);
  /// groups, groups_of_unseen_items: mean squared error of the predicted noise of held-out groups without view words,
  /// for fixed noise and timesteps; groups_with_view_words: the first of them with view words.
  /// groups_rise_without_prompt, _turned, _apart: relative rise of the error at t = 800 without the prompt, with the
  /// cameras of the opposite sides, and without joint attention. Writes progress/groups_STEP.png: the object from
  /// azimuth 0, 90, 180 and 270, with view words.
  nlohmann::ordered_json measure(diffusion::UNet& unet, int64_t step);

 private:
  struct HeldOut {
    torch::Tensor latents;                    // [n,C,h,w]
    torch::Tensor context, with_view_words;   // [n,L,D]
    torch::Tensor cameras, opposite_cameras;  // [n,16]
  };
  HeldOut held_out(const std::vector<int64_t>& groups);
  double error(diffusion::UNet& unet, const HeldOut& rows, const torch::Tensor& context) const;
  void write_sheet(diffusion::UNet& unet, int64_t step);

  const UNetData& data_;
  const RunOptions& options_;
  diffusion::Schedule schedule_;
  HeldOut unseen_groups_, unseen_items_;
  torch::Tensor empty_;  // [1,L,D]
};

}  // namespace lucid::pretrain
