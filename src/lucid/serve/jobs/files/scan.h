// SPDX-License-Identifier: Apache-2.0
// What a run's folder holds: the files that `lucid generate` writes (train/outputs.h, train/checkpoint.h and
// app/generate.cpp have their names). Nothing here throws because of what it finds.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lucid/serve/jobs/run.h"

namespace lucid::serve {

inline constexpr const char* kLiveFrame = "live.frame";   // --live of every run
inline constexpr const char* kLog = "log.txt";            // stderr of every process of a run
inline constexpr const char* kEditSource = "source.ply";  // what an edit began with; the run that made it may go

/// Whether a name can be a run's id.
bool is_id(const std::string& name);

/// Calls `found` with each file name in a folder, without those that begin with a dot.
void for_each_name(const std::filesystem::path& folder, const std::function<void(const std::string& name)>& found);

/// Step of the newest checkpoint.
std::optional<int64_t> newest_checkpoint(const std::filesystem::path& folder);

struct SourceOfAsset {
  std::filesystem::path file;
  int64_t step = 0;
};
/// The point cloud of the highest step.
std::optional<SourceOfAsset> newest_cloud(const std::filesystem::path& folder);
/// The live frame, with the step in its header.
std::optional<SourceOfAsset> live_frame(const std::filesystem::path& folder);

/// File of each picture of a run that is there, relative to its folder.
struct FoundPicture {
  Picture picture;  // revision: the file's time of change in milliseconds
  std::filesystem::path file;
};
std::vector<FoundPicture> find_pictures(const std::filesystem::path& folder);

/// manifest.json of a finished run; none if it is not there or not usable.
struct Manifest {
  std::string prompt, device;
  int64_t seed = 0, iterations = 0;
  std::optional<int64_t> gaussians;
  double seconds = 0;
  std::string written;  // UTC, RFC 3339
};
std::optional<Manifest> read_manifest(const std::filesystem::path& folder);

/// Whether the results in the folder are those of the newest checkpoint.
bool has_results_of(const std::filesystem::path& folder, std::optional<int64_t> checkpoint);

/// UTC as RFC 3339: "2026-11-29T12:00:00.250Z".
std::string utc_text(int64_t milliseconds_since_1970);

}  // namespace lucid::serve
