// SPDX-License-Identifier: Apache-2.0
// Chooses between the newest result and the live frame.
#include "lucid/serve/jobs/assets/asset_source.h"

#include "lucid/base/error.h"

namespace lucid::serve {
namespace fs = std::filesystem;

std::optional<SourceOfAsset> source_of(const AssetRequest& request) {
  const auto cloud = newest_cloud(request.folder), frame = live_frame(request.folder);
  if (!cloud || !frame) return cloud ? cloud : frame;
  // A result of 600 steps may lie there while the run makes further ones, and nobody watches those.
  return !request.is_at_end && frame->step > cloud->step ? frame : cloud;
}

fs::path fixed_source(const SourceOfAsset& source, const fs::path& copy) {
  if (source.file.filename() != kLiveFrame) return source.file;
  std::error_code error;
  fs::copy_file(source.file, copy, fs::copy_options::overwrite_existing, error);
  if (error) throw UserError({.what_happened = "cannot be copied: " + error.message(), .file = source.file.string()});
  return copy;
}

}  // namespace lucid::serve
