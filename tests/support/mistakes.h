// SPDX-License-Identifier: Apache-2.0
// The mistake that an action is told off for, so that a test can look at file, key, line and hint.
#pragma once

#include <gtest/gtest.h>

#include <functional>

#include "lucid/base/error.h"

namespace lucid::test {

/// The UserError that `action` throws; fails the test when it throws none.
inline UserMistake mistake_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const UserError& error) {
    return error.mistake();
  }
  ADD_FAILURE() << "no UserError was thrown";
  return {.what_happened = ""};
}

}  // namespace lucid::test
