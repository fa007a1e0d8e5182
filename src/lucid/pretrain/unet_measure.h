// SPDX-License-Identifier: Apache-2.0
// Held-out numbers of the U-Net, and a sheet of samples: what shows whether it still learns, and what.
#pragma once

#include <nlohmann/json.hpp>

#include "lucid/pretrain/sampler.h"
#include "lucid/pretrain/unet_trainer.h"

namespace lucid::pretrain {

/// The words and the true direction of a row; a mirrored picture is seen from the other side.
Prompt prompt_of(const Row& row, const LatentSet& latents);

class UNetMeasure {
 public:
  UNetMeasure(const UNetData& data, const RunOptions& options);
  /// Mean squared error of the noise on fixed noise and timesteps, on views and on items never trained on; by which
  /// part the error at t = 800, where little of the picture is left to see, rises without the prompt, and with the
  /// words of the opposite side. Writes progress/unet_STEP.png.
  nlohmann::ordered_json measure(diffusion::UNet& unet, int64_t step);

 private:
  struct HeldOut {
    torch::Tensor latents, context;  // [n,C,h,w], [n,L,D]
    torch::Tensor opposite;          // [n,L,D]: the view words of the opposite side
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
