// SPDX-License-Identifier: Apache-2.0
// Unicode operations on utf8proc's tables.
#include "lucid/text/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <vector>

#include "lucid/base/error.h"

namespace lucid::text {
namespace {

utf8proc_int32_t signed_code(char32_t code) { return static_cast<utf8proc_int32_t>(code); }

/// Canonical decomposition (NFD), combining marks in canonical order.
std::vector<utf8proc_int32_t> decompose(std::u32string_view text) {
  std::vector<utf8proc_int32_t> codes;
  codes.reserve(text.size());
  for (const char32_t code : text) {
    utf8proc_int32_t parts[16];
    int bound_class = 0;
    const auto count =
        utf8proc_decompose_char(signed_code(code), parts, std::size(parts),
                                static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | UTF8PROC_STABLE), &bound_class);
    LUCID_CHECK(count >= 0 && count <= static_cast<utf8proc_ssize_t>(std::size(parts)), "U+{:04X}", uint32_t{code});
    codes.insert(codes.end(), parts, parts + count);
  }
  // utf8proc's own reordering is quadratic in the length of a run of marks; a hostile prompt may be one such run.
  const auto combining_class = [](utf8proc_int32_t code) { return utf8proc_get_property(code)->combining_class; };
  for (auto begin = codes.begin(); begin != codes.end();) {
    if (combining_class(*begin) == 0) {
      ++begin;
      continue;
    }
    const auto end = std::find_if(begin, codes.end(), [&](auto code) { return combining_class(code) == 0; });
    std::stable_sort(begin, end, [&](auto a, auto b) { return combining_class(a) < combining_class(b); });
    begin = end;
  }
  return codes;
}

char32_t to_lower(char32_t code) { return static_cast<char32_t>(utf8proc_tolower(signed_code(code))); }

}  // namespace

std::u32string decode_utf8(std::string_view text) {
  std::u32string codes;
  codes.reserve(text.size());
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  for (size_t at = 0; at < text.size();) {
    utf8proc_int32_t code = 0;
    const auto used = utf8proc_iterate(bytes + at, static_cast<utf8proc_ssize_t>(text.size() - at), &code);
    if (used <= 0) {
      throw UserError({.what_happened = fmt::format("the text is not valid UTF-8 at byte {} (0x{:02x})", at, bytes[at]),
                       .hint = "is the terminal or the file in another encoding?"});
    }
    codes += static_cast<char32_t>(code);
    at += static_cast<size_t>(used);
  }
  return codes;
}

void append_utf8(std::string& out, char32_t code) {
  utf8proc_uint8_t bytes[4];
  const auto count = utf8proc_encode_char(signed_code(code), bytes);
  out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(count));
}

std::u32string nfc(std::u32string_view text) {
  // ASCII is its own NFC, and nearly every prompt is ASCII.
  if (std::ranges::all_of(text, [](char32_t code) { return code < 0x80; })) return std::u32string(text);
  std::vector<utf8proc_int32_t> codes = decompose(text);
  const auto count = utf8proc_normalize_utf32(codes.data(), static_cast<utf8proc_ssize_t>(codes.size()),
                                              static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
  LUCID_CHECK(count >= 0, "{}", count);
  return {codes.begin(), codes.begin() + count};
}

bool is_space(char32_t code) {
  return (code >= 0x09 && code <= 0x0d) || code == 0x20 || code == 0x85 || code == 0xa0 || code == 0x1680 ||
         (code >= 0x2000 && code <= 0x200a) || code == 0x2028 || code == 0x2029 || code == 0x202f || code == 0x205f ||
         code == 0x3000;
}

bool is_letter(char32_t code) {
  const auto category = utf8proc_category(signed_code(code));
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

bool is_number(char32_t code) {
  const auto category = utf8proc_category(signed_code(code));
  return category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO;
}

std::u32string normalize(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  bool in_space = false;
  for (const char32_t code : nfc(text)) {
    if (is_space(code)) {
      if (!in_space) out += U' ';
      in_space = true;
      continue;
    }
    in_space = false;
    if (code == 0x130) {  // capital I with dot: the only character whose lower case has two code points
      out += U"i\u0307";
    } else {
      out += to_lower(code);
    }
  }
  return out;
}

}  // namespace lucid::text
