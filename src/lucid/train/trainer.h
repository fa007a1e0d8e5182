// SPDX-License-Identifier: Apache-2.0
// The loop around the step: start or resume, steps, what is written when, stop.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "lucid/train/outputs.h"
#include "lucid/train/step.h"

namespace lucid::train {

struct TrainCallbacks {
  std::function<void(const StepReport&, int64_t iteration)> on_step = {};  // after each step
  const std::atomic<bool>* stop = nullptr;                                 // asked between steps
  std::function<gaussians::Cloud()> start = {};                            // in place of options.start; may be null
};

struct TrainResult {
  Model model;
  bool stopped = false;              // by `stop`; a checkpoint was saved
  StepReport::Seconds seconds = {};  // sums over this process's steps
  int64_t steps_here = 0;
};

/// Trains to options.iterations and writes the workspace. With `resume`, goes on from its newest checkpoint if there is
/// one. The caller has set the distiller; `run_key` names what the result is a function of.
TrainResult train(const Scene& scene, const Workspace& workspace, const std::string& run_key, bool resume,
                  const TrainCallbacks& callbacks);

}  // namespace lucid::train
