// SPDX-License-Identifier: Apache-2.0
// An upscaling network on disk: upscale.json and the weights.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "lucid/upscale/network.h"

namespace lucid::upscale {

std::filesystem::path weights_file(const std::filesystem::path& folder);

/// FOLDER/upscale.json. Throws UserError.
NetworkConfig read_config(const std::filesystem::path& folder);

/// The frozen network of a folder. Throws UserError.
Network open_network(const std::filesystem::path& folder);

/// Writes upscale.json and the weights, float16.
void save_network(const std::filesystem::path& folder, const NetworkConfig& config,
                  const std::map<std::string, torch::Tensor>& weights);

}  // namespace lucid::upscale
