// SPDX-License-Identifier: Apache-2.0
// --memory and the card's free memory: a run is fitted into them before it begins, or refused.
#pragma once

#include "lucid/app/memory/prior_memory.h"
#include "lucid/app/options.h"
#include "lucid/text_to_image/prior.h"

namespace lucid::app {

/// A run is planned with this much less than it may take: the estimate is not exact.
constexpr double kMemoryMargin = 1.05;

/// The shape of a run with these options and so many Gaussians.
RunShape run_shape(const RunOptions& options, int64_t gaussians);

/// The estimate for the options as they are, in bytes: of this process, or of the card.
double estimated_bytes(const RunOptions& options, const text_to_image::Prior& prior, int64_t gaussians);

/// Divides the work into the largest parts (parts.h) that fit options.memory, or on a card without that option
/// `free_on_card` bytes; and bounds the number of Gaussians to what fits beside them. `gaussians`: at the start. Throws
/// UserError with the estimate where nothing is small enough.
void keep_within_memory(RunOptions& options, const text_to_image::Prior& prior, int64_t gaussians, double free_on_card);

}  // namespace lucid::app
