// SPDX-License-Identifier: Apache-2.0
// Problems of the API that the runs cause, each with its status and title.
#pragma once

#include <string>

#include "lucid/serve/http/problem.h"

namespace lucid::serve {

[[noreturn]] inline void refuse(int status, const char* type, const char* title, const std::string& detail) {
  throw http::ProblemError({.status = status, .type = type, .title = title, .detail = detail});
}

[[noreturn]] inline void refuse_missing(const std::string& id) {
  refuse(404, "run-not-found", "Run not found", "There is no run '" + id + "'.");
}
[[noreturn]] inline void refuse_now(const std::string& detail) { refuse(409, "not-now", "Not possible now", detail); }

inline http::Problem no_asset() {
  return {.status = 409,
          .type = "no-asset",
          .title = "Nothing to show yet",
          .detail =
              "The run has no Gaussians yet. They are there after its first steps while somebody watches it, and "
              "at its end."};
}

}  // namespace lucid::serve
