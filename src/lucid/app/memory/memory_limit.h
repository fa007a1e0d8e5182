// SPDX-License-Identifier: Apache-2.0
// --memory: a run is fitted into it before it begins, or refused.
#pragma once

#include "lucid/app/memory/prior_memory.h"
#include "lucid/app/options.h"
#include "lucid/text_to_image/prior.h"

namespace lucid::app {

/// The shape of a run with these options.
RunShape run_shape(const RunOptions& options);

/// The estimate for the options as they are, bytes on the CPU.
double estimated_bytes(const RunOptions& options, const text_to_image::Prior& prior);

/// Chooses smaller parts where the estimate is above options.memory: first --low-memory, then one picture at a time,
/// which rounds sums as another number of threads does. Throws UserError with the estimate where nothing is small
/// enough.
void keep_within_memory(RunOptions& options, const text_to_image::Prior& prior);

}  // namespace lucid::app
