// SPDX-License-Identifier: Apache-2.0
// mistake_of(): the UserError that an action throws, so that a test can check its file, key, line and hint.
#pragma once

#include <gtest/gtest.h>

#include <functional>

#include "lucid/base/error.h"

namespace lucid::test {

/// The mistake in the UserError that `action` throws; fails the test if it throws none.
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
