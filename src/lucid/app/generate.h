// SPDX-License-Identifier: Apache-2.0
// A run: options to objects, training, files. What `lucid generate` does.
#pragma once

#include <atomic>

#include "lucid/app/options.h"

namespace lucid::app {

/// Throws UserError before anything is written when options, prior or prompt are at fault. Returns the exit code: 0, or
/// 130 when `stop` ended it (a checkpoint was saved).
int generate(RunOptions& options, config::OptionTable& table, const std::atomic<bool>& stop);

}  // namespace lucid::app
