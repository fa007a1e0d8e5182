// SPDX-License-Identifier: Apache-2.0
// The close-up metrics of real renders: what an asset's are compared with.
#pragma once

#include <atomic>
#include <filesystem>
#include <map>
#include <string>

#include "lucid/corpus/build.h"
#include "lucid/eval/close_up.h"

namespace lucid::eval {

/// By word.
using RealCloseUps = std::map<std::string, CloseUp>;

/// Renders the models of a table from eight sides, 15 degrees above the horizon, at kCloseUpSize, in their own colours.
/// Of several models of a word: the mean, and of the sizes of floaters the greatest. Of the options only library,
/// table, only and progress count. If `stop` is set, what was measured so far. Throws UserError.
RealCloseUps measure_real_renders(const corpus::BuildOptions& options, const std::atomic<bool>& stop);

constexpr const char* kRealCloseUpFile = "close_up.json";  // in the judge's folder

/// FOLDER/close_up.json. Both throw UserError; a folder without the file has no entries.
void save_real_close_ups(const std::filesystem::path& folder, const RealCloseUps& real);
RealCloseUps load_real_close_ups(const std::filesystem::path& folder);

}  // namespace lucid::eval
