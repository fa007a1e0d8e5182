// SPDX-License-Identifier: Apache-2.0
// A training run on disk: Gaussians, Adam's moments, densification sums, the step. Randomness needs no state
// (base/rng.h).
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "lucid/train/model.h"

namespace lucid::train {

/// Writes one safetensors file, atomically. `run_key` names what the run is a function of (options, prompt, weights).
void save_checkpoint(const std::filesystem::path& file, const Model& model, const std::string& run_key);

/// Throws UserError when the file is damaged or belongs to a run with another key (says which).
Model load_checkpoint(const std::filesystem::path& file, const std::string& run_key);

/// The checkpoint with the highest step in a folder.
std::optional<std::filesystem::path> newest_checkpoint(const std::filesystem::path& folder);
std::filesystem::path checkpoint_name(const std::filesystem::path& folder, int64_t iteration);

}  // namespace lucid::train
