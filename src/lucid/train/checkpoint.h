// SPDX-License-Identifier: Apache-2.0
// Checkpoints: a training run's state in one file (Gaussians, Adam's moments, densification statistics, step). Random
// numbers need no saved state; see base/rng.h.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lucid/base/error.h"
#include "lucid/train/model.h"

namespace lucid::train {

/// Writes one safetensors file atomically, with a checksum. `run_key` identifies everything that determines the run's
/// result (options, prompt, weights).
void save_checkpoint(const std::filesystem::path& file, const Model& model, const std::string& run_key);

/// A checkpoint that was written with another `run_key`, or by another version of the program.
class OtherRun : public UserError {
 public:
  using UserError::UserError;
};

/// Reads a checkpoint to the CPU. Throws UserError if the file is damaged, and OtherRun.
Model load_checkpoint(const std::filesystem::path& file, const std::string& run_key);

/// The checkpoints in a folder, the highest step first.
std::vector<std::filesystem::path> checkpoints_in(const std::filesystem::path& folder);

/// Loads the newest checkpoint that is whole; none if there is no checkpoint. A damaged one is renamed to
/// step_NNNNNN.damaged, and `damaged` is told what is wrong with it. Throws OtherRun, and UserError if all are damaged.
std::optional<Model> load_newest(const std::filesystem::path& folder, const std::string& run_key,
                                 const std::function<void(const std::string& damage)>& damaged);

/// Removes all checkpoints but the newest `count`.
void keep_newest(const std::filesystem::path& folder, int64_t count);

/// The path of the checkpoint of a step: FOLDER/step_NNNNNN.safetensors.
std::filesystem::path checkpoint_name(const std::filesystem::path& folder, int64_t iteration);

}  // namespace lucid::train
