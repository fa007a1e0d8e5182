// SPDX-License-Identifier: Apache-2.0
// Chooses, identifies and reads the file that a run starts from.
#include "lucid/app/file_start.h"

#include <spdlog/spdlog.h>

#include "lucid/base/sha256.h"
#include "lucid/start/file_start.h"

namespace lucid::app {

std::optional<gaussians::StartOptions> file_start(const RunOptions& options) {
  gaussians::StartOptions start = options.train.start;
  start.seed = options.train.seed;
  if (!start.file.empty()) return start;
  if (options.pretrained_model_path.empty()) return std::nullopt;
  start.file = options.pretrained_model_path;
  start.file_fit = "off";
  start.file_scale = 1;
  start.file_rotate.clear();
  start.file_resample = false;
  return start;
}

nlohmann::json identity_of(const gaussians::StartOptions& start) {
  return {{"file", std::filesystem::path(start.file).filename().string()}, {"sha256", sha256_of_file(start.file)}};
}

int64_t count_of_file_start(const gaussians::StartOptions& start) { return start::read_start(start).cloud.count(); }

gaussians::Cloud make_file_start(const gaussians::StartOptions& start) {
  start::FileStart made = start::read_start(start);
  for (const std::string& warning : made.warnings) spdlog::warn("{}: {}", start.file, warning);
  spdlog::info("{}: {}; starting from {} Gaussians", start.file, made.about, made.cloud.count());
  return std::move(made.cloud);
}

}  // namespace lucid::app
