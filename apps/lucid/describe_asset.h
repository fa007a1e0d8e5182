// SPDX-License-Identifier: Apache-2.0
// `lucid info` of an asset: a file of Gaussians, or a mesh.
#pragma once

#include <filesystem>
#include <string>

namespace lucid::cli {

/// Whether the extension is one of an asset's.
bool is_asset(const std::filesystem::path& file);
/// What to call a file: its name, or in a run's folder, where every PLY has one name, that of the run.
std::string title_of(const std::filesystem::path& file);
/// Prints what the file holds. Throws UserError.
void describe_asset(const std::filesystem::path& file);

}  // namespace lucid::cli
