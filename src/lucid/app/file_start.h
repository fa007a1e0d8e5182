// SPDX-License-Identifier: Apache-2.0
// A run's start from a file (init_file, pretrained_model_path): what identifies it, and its Gaussians.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>

#include "lucid/app/run_options/run_options.h"
#include "lucid/gaussians/cloud.h"

namespace lucid::app {

/// The options of the file to start from; none if a shape is to be made. pretrained_model_path is taken as it is:
/// neither turned, fitted nor scaled.
std::optional<gaussians::StartOptions> file_start(const RunOptions& options);

/// {"file": its name, "sha256": of its bytes}, for the manifest and the run's key. Materials and textures beside a mesh
/// are not part of it. Throws UserError if the file cannot be read.
nlohmann::json identity_of(const gaussians::StartOptions& start);

/// How many Gaussians make_file_start() gives.
int64_t count_of_file_start(const gaussians::StartOptions& start);

/// Reads the file, and logs what it is and what was left out. Throws UserError.
gaussians::Cloud make_file_start(const gaussians::StartOptions& start);

}  // namespace lucid::app
