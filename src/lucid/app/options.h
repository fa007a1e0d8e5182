// SPDX-License-Identifier: Apache-2.0
// What a run's options mean to libtorch: device, number types, workers.
#pragma once

#include "lucid/app/run_options/run_options.h"
#include "lucid/nn/compute_policy.h"
#include "lucid/nn/weight_dtypes.h"

namespace lucid::app {

/// The device, which also becomes this thread's current one. Throws UserError where it cannot be used: no libtorch with
/// CUDA, no rasteriser for it, no such GPU.
torch::Device device_of(const RunOptions& options);

/// How the prior's networks are computed: `precision`, and on a CPU one worker for each of libtorch's threads.
nn::ComputeOptions compute_options(const RunOptions& options);
/// And what the weights of their files become: float16 ones stay so on a CPU that computes in float32.
nn::WeightDtypes weight_types(const RunOptions& options);

/// Decides what the run starts from, and sets the preset's values that suit it (apply_start_preset()). `table` is bound
/// to the options. Throws UserError.
void choose_start(RunOptions& options, config::OptionTable& table);

/// choose_start(), check_options(), then what follows from other options and from this build. `table` is bound to the
/// options. Throws UserError.
void finish_options(RunOptions& options, config::OptionTable& table);

}  // namespace lucid::app
