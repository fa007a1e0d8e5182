// SPDX-License-Identifier: Apache-2.0
// Writes an asset in other formats: meshes made from the Gaussians, and the Gaussians themselves. What `lucid export`
// and `lucid generate --export` do.
#pragma once

#include <string>
#include <vector>

#include "lucid/app/run_options/export_options.h"
#include "lucid/base/progress.h"
#include "lucid/gaussians/cloud.h"

namespace lucid::app {

struct ExportSource {
  const gaussians::Cloud& cloud;
  std::filesystem::path file;  // where it was read from or written to, for errors
  std::string name;            // in progress and messages
  std::string title;           // stored in files that have room for it, e.g. the prompt
};

/// Writes every target; one mesh serves all mesh formats. Prints a line for each file. Throws UserError; what was
/// written before stays.
void export_asset(const ExportSource& source, const std::vector<ExportTarget>& targets, const ExportOptions& options,
                  Progress::Style style);

}  // namespace lucid::app
