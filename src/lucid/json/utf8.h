// SPDX-License-Identifier: Apache-2.0
// Text that any JSON writer accepts.
#pragma once

#include <string>

namespace lucid {

/// The text with U+FFFD in place of bytes that are no UTF-8.
std::string valid_utf8(const std::string& text);

}  // namespace lucid
