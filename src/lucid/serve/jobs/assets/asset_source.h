// SPDX-License-Identifier: Apache-2.0
// What exports and pictures of a run are made from.
#pragma once

#include "lucid/serve/jobs/files/scan.h"

namespace lucid::serve {

struct AssetRequest {
  std::string id = {}, prompt = {};
  std::filesystem::path folder = {};  // of the run
  bool is_at_end = false;             // finished or stopped: a live frame of a later step is one that was given up
};

/// The newest Gaussians, the point cloud of a result or the live frame; none if there are none.
std::optional<SourceOfAsset> source_of(const AssetRequest& request);

/// A file that does not change while it is read: a live frame is copied to `copy` (extension .lsplat). Throws
/// UserError.
std::filesystem::path fixed_source(const SourceOfAsset& source, const std::filesystem::path& copy);

}  // namespace lucid::serve
