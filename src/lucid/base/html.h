// SPDX-License-Identifier: Apache-2.0
// Text in HTML.
#pragma once

#include <string>
#include <string_view>

namespace lucid {

/// Plain text as it stands in an HTML element or in a quoted attribute.
inline std::string html_escaped(std::string_view plain) {
  std::string text;
  for (const char c : plain) {
    switch (c) {
      case '&':
        text += "&amp;";
        break;
      case '<':
        text += "&lt;";
        break;
      case '>':
        text += "&gt;";
        break;
      case '"':
        text += "&quot;";
        break;
      default:
        text += c;
    }
  }
  return text;
}

}  // namespace lucid
