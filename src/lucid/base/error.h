// SPDX-License-Identifier: Apache-2.0
// Errors: UserError for a mistake that the user can correct (main catches it, prints one line, exit code 2), and
// LUCID_CHECK for a broken invariant of our own code (exit code 70).
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>

namespace lucid {

/// A mistake that the user can correct: a bad file, option or prompt. Only `what_happened` is required.
struct UserMistake {
  std::string what_happened;
  std::string file = {};  // path of the faulty file
  std::string key = {};   // option, tensor or JSON key inside it
  int line = 0;           // 1-based; 0 = unknown
  std::string hint = {};  // what to do about it
};

class UserError : public std::runtime_error {
 public:
  explicit UserError(UserMistake mistake);
  explicit UserError(std::string what_happened) : UserError(UserMistake{.what_happened = std::move(what_happened)}) {}
  const UserMistake& mistake() const { return mistake_; }

 private:
  UserMistake mistake_;
};

/// Formats a mistake as "file:line: key: what happened (hint)" on one line. Escapes control characters.
std::string one_line(const UserMistake& mistake);

/// Throws the std::logic_error of a failed LUCID_CHECK.
[[noreturn]] void check_failed(const char* file, int line, const char* expression, const std::string& values);

}  // namespace lucid

/// Checks an invariant of our own code: LUCID_CHECK(condition, "format {}", values...). Throws std::logic_error with
/// the expression and the formatted values.
#define LUCID_CHECK(condition, ...)                                                                    \
  do {                                                                                                 \
    if (!(condition)) ::lucid::check_failed(__FILE__, __LINE__, #condition, fmt::format(__VA_ARGS__)); \
  } while (false)
