// SPDX-License-Identifier: Apache-2.0
// A run: options to objects, training, files. What `lucid generate` does.
#pragma once

#include <atomic>

#include "lucid/app/options.h"

namespace lucid::app {

/// Exit code of a run whose numbers became NaN or Inf once too often; its last good state was saved.
inline constexpr int kNumbersFailed = 3;

/// Throws UserError before anything is written when options, prior or prompt are at fault. Returns the exit code: 0,
/// kNumbersFailed, or 130 when `stop` ended it (a checkpoint was saved). `commit`: that of the program, for the
/// manifest.
int generate(RunOptions& options, config::OptionTable& table, const std::atomic<bool>& stop,
             const std::string& commit = "unknown");

}  // namespace lucid::app
