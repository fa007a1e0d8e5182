// SPDX-License-Identifier: Apache-2.0
// The training loop: starts or resumes a run, takes the steps, writes outputs and checkpoints, stops on request.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "lucid/train/numbers.h"
#include "lucid/train/outputs.h"
#include "lucid/train/step.h"

namespace lucid::train {

struct TrainCallbacks {
  /// Called once, after the checkpoint was accepted or the initial cloud was made, and before any file is written.
  std::function<void(const Model&)> on_start = [](const Model&) {};
  std::function<void(const StepReport&, const Model&)> on_step = [](const StepReport&, const Model&) {};
  std::function<void()> on_first_prior_done = [] {
  };                                         // before each step that scene.first does not make, if there is one
  std::function<void()> on_results = [] {};  // after the last step, before the results
  const std::atomic<bool>* stop = nullptr;   // checked before each step
  std::function<void(const std::string&)> on_warning = [](const std::string&) {};  // sentences for the user
  std::function<gaussians::Cloud()> start = {};  // makes the initial cloud instead of options.start; may be null
};

struct TrainResult {
  Model model;  // after the last step its cloud is what the files hold: with an edit's held Gaussians, without haze
  bool stopped = false;                   // stopped by `stop`; a checkpoint was saved
  std::vector<BadNumbers> setbacks = {};  // of this process
  bool failed = false;                    // numbers went wrong once too often; the last good state was saved
  StepReport::Seconds seconds = {};       // sums over the steps of this process
  int64_t steps_here = 0;                 // number of steps of this process
};

/// How a run starts: anew; from the newest checkpoint in the workspace, if there is one; or with its results alone, of
/// that checkpoint, without further steps.
enum class Begin { kAnew, kFromCheckpoint, kWithResults };

/// Trains for options.all_steps() and writes the outputs to the workspace. `run_key`: see checkpoint.h. Where numbers
/// go wrong, the run goes back to its last good state, and on with other noise and half the learning rates, up to
/// kMostSetbacks times: to the state before the step, or, where the Gaussians themselves had gone wrong, to the newest
/// checkpoint. Throws UserError for a checkpoint of another run, and where kWithResults finds none.
TrainResult train(const Scene& scene, const Workspace& workspace, const std::string& run_key, Begin begin,
                  const TrainCallbacks& callbacks);

}  // namespace lucid::train
