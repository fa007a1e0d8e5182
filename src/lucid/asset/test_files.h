// SPDX-License-Identifier: Apache-2.0
// Helpers of this folder's tests: a limit on file sizes like a full disk, file counts, random clouds.
#pragma once

#include <sys/resource.h>

#include <csignal>
#include <filesystem>

#include "lucid/gaussians/cloud.h"

namespace lucid::asset::test {

/// While this object exists, writing a file beyond `bytes` fails as on a full disk.
class SmallDisk {
 public:
  explicit SmallDisk(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &limit_);
    const rlimit small{bytes, limit_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
  }
  ~SmallDisk() {
    setrlimit(RLIMIT_FSIZE, &limit_);
    std::signal(SIGXFSZ, handler_);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

 private:
  void (*handler_)(int);
  rlimit limit_{};
};

/// The number of files in a folder, including hidden ones.
inline size_t files_in(const std::filesystem::path& folder) {
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) count += entry.is_regular_file() ? 1 : 0;
  return count;
}

inline gaussians::Cloud random_cloud(int64_t count, int degree) {
  torch::manual_seed(7 + degree);
  gaussians::Cloud cloud;
  cloud.means = torch::randn({count, 3});
  cloud.sh_dc = torch::randn({count, 1, 3});
  cloud.sh_rest = torch::randn({count, (degree + 1) * (degree + 1) - 1, 3});
  cloud.opacity_logits = torch::randn({count, 1});
  cloud.log_scales = torch::randn({count, 3});
  cloud.quats = torch::randn({count, 4});
  return cloud;
}

}  // namespace lucid::asset::test
