// SPDX-License-Identifier: Apache-2.0
// Held-out metrics of the U-Net during training, and a contact sheet of samples.
#pragma once

#include <nlohmann/json.hpp>

#include "lucid/pretrain/sampler.h"
#include "lucid/pretrain/unet_trainer.h"

namespace lucid::pretrain {

/// The prompt of a row: caption and view direction. A mirrored picture has the negated azimuth.
Prompt prompt_of(const Row& row, const LatentSet& latents);

/// Captions for a contact sheet, of words all over the corpus.
std::vector<std::string> sheet_captions(const corpus::Corpus& corpus);
/// DDIM of contact sheets.
inline constexpr SampleOptions kSheetSampling{.steps = 20, .guidance = 3};

class UNetMeasure {
 public:
  UNetMeasure(const UNetData& data, const RunOptions& options);
  /// unseen_views, unseen_items: mean squared error of the predicted noise, for fixed noise and timesteps.
  /// rise_without_prompt, rise_turned: relative rise of that error at t = 800 without the prompt, and with the view
  /// words of the opposite side; at t = 800 little of the picture is visible. Writes progress/unet_STEP.png.
  nlohmann::ordered_json measure(diffusion::UNet& unet, int64_t step);

 private:
  struct HeldOut {
    torch::Tensor latents, context;  // [n,C,h,w], [n,L,D]
    torch::Tensor opposite;          // [n,L,D]: the same with the view words of the opposite side
  };
  HeldOut held_out(const std::vector<int64_t>& views);
  double error(diffusion::UNet& unet, const HeldOut& rows) const;
  void write_sheet(diffusion::UNet& unet, int64_t step);

  const UNetData& data_;
  const RunOptions& options_;
  diffusion::Schedule schedule_;
  HeldOut unseen_views_, unseen_items_;
  torch::Tensor empty_;  // [1,L,D]
};

}  // namespace lucid::pretrain
