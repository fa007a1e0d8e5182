// SPDX-License-Identifier: Apache-2.0
// lucid prior upscaler: a corpus of large pictures to the weights of the upscaler.
#include <spdlog/spdlog.h>

#include "commands.h"
#include "lucid/app/threads.h"
#include "lucid/base/machine.h"
#include "lucid/pretrain/upscale/trainer.h"

namespace lucid::cli {

int run_prior_upscaler(pretrain::UpscaleRequest& request, const std::atomic<bool>& stop) {
  app::set_threads(request.threads);
  if (request.prior.empty()) request.prior = app::embedded_prior();
  const pretrain::RunOptions run{
      .folder = request.out,
      .seed = request.seed,
      .threads = request.threads > 0 ? request.threads : core_count(),
      .low_precision = request.precision == "auto" ? has_fast_bfloat16() : request.precision == "bf16",
      .save_seconds = request.save_seconds,
      .measure_seconds = request.measure_seconds,
      .progress = Progress::style_from_name(request.progress),
      .stop = &stop};
  if (pretrain::train_upscaler(request, run)) return 0;
  spdlog::info("stopped; --resume continues from here");
  return 130;
}

}  // namespace lucid::cli
