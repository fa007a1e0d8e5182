// SPDX-License-Identifier: Apache-2.0
// The folder of a run: one run in it, and why it failed.
#pragma once

#include "lucid/app/run_options/run_options.h"
#include "lucid/train/trainer.h"

namespace lucid::app {

/// output/workspace.
std::filesystem::path run_folder(const RunOptions& options);

/// Refuses to mix two runs in one folder. Throws UserError.
void check_folder(const RunOptions& options);

/// Makes the folder. With `overwrite`, unless the run is resumed, removes what an earlier run left.
void prepare_folder(const RunOptions& options);

/// Says why a run ended whose numbers went wrong too often, and writes failure.json.
void report_failure(const RunOptions& options, const train::TrainResult& result);
/// Removes it: the run has ended well.
void forget_failure(const RunOptions& options);

}  // namespace lucid::app
