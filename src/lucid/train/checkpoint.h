// SPDX-License-Identifier: Apache-2.0
// Checkpoints: a training run's state in one file (Gaussians, Adam's moments, densification statistics, step). Random
// numbers need no saved state; see base/rng.h.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "lucid/train/model.h"

namespace lucid::train {

/// Writes one safetensors file atomically. `run_key` identifies everything that determines the run's result (options,
/// prompt, weights).
void save_checkpoint(const std::filesystem::path& file, const Model& model, const std::string& run_key);

/// Reads a checkpoint to the CPU. Throws UserError if the file is damaged or was written with another `run_key`.
Model load_checkpoint(const std::filesystem::path& file, const std::string& run_key);

/// The checkpoint with the highest step in a folder; none if there is no checkpoint or no folder.
std::optional<std::filesystem::path> newest_checkpoint(const std::filesystem::path& folder);
/// The path of the checkpoint of a step: FOLDER/step_NNNNNN.safetensors.
std::filesystem::path checkpoint_name(const std::filesystem::path& folder, int64_t iteration);

}  // namespace lucid::train
