// SPDX-License-Identifier: Apache-2.0
// lucid prior upscaler: a corpus of large pictures to the weights of the upscaler.
#include "commands.h"
#include "lucid/pretrain/upscale/trainer.h"
#include "training_run.h"

namespace lucid::cli {

int run_prior_upscaler(pretrain::UpscaleRequest& request, const std::atomic<bool>& stop) {
  if (request.prior.empty()) request.prior = app::embedded_prior();
  return run_training(request, stop, pretrain::train_upscaler);
}

}  // namespace lucid::cli
