// SPDX-License-Identifier: Apache-2.0
// What the trainings of small networks share when they run: `lucid prior shape`, `lucid prior upscaler`.
#pragma once

#include <spdlog/spdlog.h>

#include <atomic>

#include "lucid/app/threads.h"
#include "lucid/base/machine.h"
#include "lucid/pretrain/stage.h"

namespace lucid::cli {

/// Runs train(request, settings of the run); returns the exit code. `Request`: pretrain::ShapeRequest or
/// UpscaleRequest.
template <class Request>
int run_training(Request& request, const std::atomic<bool>& stop,
                 bool (*train)(const Request&, const pretrain::RunOptions&)) {
  app::set_threads(request.threads);
  const pretrain::RunOptions run{
      .folder = request.out,
      .seed = request.seed,
      .threads = request.threads > 0 ? request.threads : core_count(),
      .low_precision = request.precision == "auto" ? has_fast_bfloat16() : request.precision == "bf16",
      .save_seconds = request.save_seconds,
      .measure_seconds = request.measure_seconds,
      .progress = Progress::style_from_name(request.progress),
      .stop = &stop};
  if (train(request, run)) return 0;
  spdlog::info("stopped; --resume continues from here");
  return 130;
}

}  // namespace lucid::cli
