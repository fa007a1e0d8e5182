// SPDX-License-Identifier: Apache-2.0
// The shape model's targets in a file, so that a run that is resumed need not render them again.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lucid/pretrain/shape/data.h"

namespace lucid::pretrain {

/// Writes colours and target of each item. `key` identifies what they were made from. Throws UserError.
void save_targets(const std::filesystem::path& file, const std::string& key, const std::vector<ShapeItem>& items);

/// Sets them. False if the file is missing or has another key; then the items are unchanged. Throws UserError for a
/// damaged file.
bool load_targets(const std::filesystem::path& file, const std::string& key, std::vector<ShapeItem>& items);

}  // namespace lucid::pretrain
