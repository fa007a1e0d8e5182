// SPDX-License-Identifier: Apache-2.0
// The prior that a run's options name: a folder or a file, with its adapters.
#pragma once

#include "lucid/app/options.h"
#include "lucid/diffusion/denoiser.h"
#include "lucid/text_to_image/prior.h"

namespace lucid::app {

/// Loads it and warns of textual inversions that the prompt does not use. Throws UserError.
text_to_image::Prior open_prior(const RunOptions& options);

/// Throws UserError if the options' score is not one for this prior: ip2p and InstructPix2Pix go together.
void check_score_suits(const RunOptions& options, const text_to_image::Prior& prior);

/// The ControlNet that the options name, frozen, if any. Throws UserError.
diffusion::Control open_control(const RunOptions& options, const text_to_image::Prior& prior);

}  // namespace lucid::app
