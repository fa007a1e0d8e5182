// SPDX-License-Identifier: Apache-2.0
// How deep a JSON text nests, found before it is parsed: parsers, copies and destructors of JSON values may recurse.
#pragma once

#include <string_view>

namespace lucid {

/// Levels of arrays and objects in a JSON file that lucid reads. Published configurations and meshes have fewer
/// than 10.
inline constexpr int kMostJsonFileLevels = 64;

/// Whether arrays and objects nest deeper than `levels`. Brackets in texts do not count. `json` need not be valid.
inline bool nests_deeper(std::string_view json, int levels) {
  int depth = 0;
  bool in_text = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_text) {
      if (c == '\\') ++i;
      in_text = c != '"';
    } else if (c == '"') {
      in_text = true;
    } else if (c == '[' || c == '{') {
      if (++depth > levels) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

}  // namespace lucid
