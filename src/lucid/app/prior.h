// SPDX-License-Identifier: Apache-2.0
// The prior that a run's options name: a folder or a file, with its adapters.
#pragma once

#include "lucid/app/options.h"
#include "lucid/diffusion/denoiser.h"
#include "lucid/distill/prior.h"

namespace lucid::app {

/// Loads it and warns of textual inversions that the prompt does not use. Throws UserError.
distill::Prior open_prior(const RunOptions& options);

/// The ControlNet that the options name, frozen, if any. Throws UserError.
diffusion::Control open_control(const RunOptions& options, const distill::Prior& prior);

}  // namespace lucid::app
