// SPDX-License-Identifier: Apache-2.0
// Problem details as JSON, and the problem of an exception.
#include "lucid/serve/http/problem.h"

#include <nlohmann/json.hpp>

#include "lucid/base/error.h"

namespace lucid::serve::http {

nlohmann::json to_json(const Problem& problem) {
  return {{"type", "urn:lucid:problem:" + problem.type},
          {"title", problem.title},
          {"status", problem.status},
          {"detail", problem.detail}};
}

Problem problem_of(const std::exception& error) {
  if (const auto* known = dynamic_cast<const ProblemError*>(&error)) return known->problem();
  if (const auto* user = dynamic_cast<const UserError*>(&error)) {
    return {.status = 400, .type = "invalid-request", .title = "Invalid request", .detail = one_line(user->mistake())};
  }
  return {.status = 500,
          .type = "internal-error",
          .title = "Internal error",
          .detail = "The server failed on this request. Its log has the reason; please report it."};
}

}  // namespace lucid::serve::http
