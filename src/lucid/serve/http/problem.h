// SPDX-License-Identifier: Apache-2.0
// Errors of the HTTP API as problem details (RFC 9457): a type that programs compare, and a detail that says what to
// do.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <stdexcept>
#include <string>

namespace lucid::serve::http {

/// `type` is a short name such as "run-not-found"; clients see "urn:lucid:problem:run-not-found".
struct Problem {
  int status = 500;
  std::string type = {};
  std::string title = {};   // the same for every occurrence of the type
  std::string detail = {};  // what happened this time and what to do about it
};

/// A handler throws it to answer with a problem.
class ProblemError : public std::runtime_error {
 public:
  explicit ProblemError(Problem problem) : std::runtime_error(problem.detail), problem_(std::move(problem)) {}
  const Problem& problem() const { return problem_; }

 private:
  Problem problem_;
};

/// {"type", "title", "status", "detail"}.
nlohmann::json to_json(const Problem& problem);

/// The problem of an exception that a handler threw: a ProblemError's own; a UserError is status 400 and says what the
/// user can correct; anything else is status 500 and says nothing of its text.
Problem problem_of(const std::exception& error);

}  // namespace lucid::serve::http
