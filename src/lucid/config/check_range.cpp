// SPDX-License-Identifier: Apache-2.0
// The message of a number out of range.
#include "lucid/config/check_range.h"

#include <fmt/format.h>

#include "lucid/base/error.h"

namespace lucid::config {

void check_range(const char* flag, double value, double low, double high) {
  if (value >= low && value <= high) return;
  throw UserError({.what_happened = fmt::format("{:g} is not in [{:g}, {:g}]", value, low, high), .key = flag});
}

}  // namespace lucid::config
