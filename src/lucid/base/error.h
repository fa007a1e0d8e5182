// SPDX-License-Identifier: Apache-2.0
// The one exception for what a user can cause (caught once, in main: one line, exit code 2), and the check for what we
// cause.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>

namespace lucid {

/// A mistake that the user can mend: a bad file, option or prompt. Every field but `what_happened` may be empty.
struct UserMistake {
  std::string what_happened;
  std::string file = {};  // path of the file at fault
  std::string key = {};   // option, tensor or JSON key inside it
  int line = 0;           // 1-based; 0 = not known
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

/// "file:line: key: what happened (hint)" on one line, control characters escaped.
std::string one_line(const UserMistake& mistake);

[[noreturn]] void check_failed(const char* file, int line, const char* expression, const std::string& values);

}  // namespace lucid

/// Our own invariants; prints the expression and the values given. Throws std::logic_error.
#define LUCID_CHECK(condition, ...)                                                                    \
  do {                                                                                                 \
    if (!(condition)) ::lucid::check_failed(__FILE__, __LINE__, #condition, fmt::format(__VA_ARGS__)); \
  } while (false)
