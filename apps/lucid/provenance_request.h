// SPDX-License-Identifier: Apache-2.0
// What a user may ask of `lucid verify` and `lucid reproduce`. No libtorch.
#pragma once

#include <cstdint>
#include <string>

namespace lucid::cli {

struct VerifyRequest {
  std::string run;
};

struct ReproduceRequest {
  std::string run, out, device, progress = "auto";  // empty: RUN.again; the device of the run
  int64_t threads = 0;                              // 0: as many as the run had
};

}  // namespace lucid::cli
