// SPDX-License-Identifier: Apache-2.0
// Formatting of error messages: a user's mistake on one line without control characters, and failed checks.
#include "lucid/base/error.h"

namespace lucid {

std::string one_line(const UserMistake& mistake) {
  std::string text;
  if (!mistake.file.empty()) {
    text += mistake.file;
    if (mistake.line > 0) text += fmt::format(":{}", mistake.line);
    text += ": ";
  }
  if (!mistake.key.empty()) text += mistake.key + ": ";
  text += mistake.what_happened;
  if (!mistake.hint.empty()) text += fmt::format(" ({})", mistake.hint);
  std::string safe;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      safe += fmt::format("\\x{:02x}", byte);
    } else {
      safe += c;
    }
  }
  return safe;
}

UserError::UserError(UserMistake mistake) : std::runtime_error(one_line(mistake)), mistake_(std::move(mistake)) {}

void check_failed(const char* file, int line, const char* expression, const std::string& values) {
  throw std::logic_error(fmt::format("{}:{}: check failed: {} [{}]", file, line, expression, values));
}

}  // namespace lucid
