// SPDX-License-Identifier: Apache-2.0
// A text many times over, for hostile inputs.
#pragma once

#include <string>

namespace lucid::test {

inline std::string repeated(const std::string& part, size_t times) {
  std::string whole;
  whole.reserve(part.size() * times);
  for (size_t i = 0; i < times; ++i) whole += part;
  return whole;
}

}  // namespace lucid::test
