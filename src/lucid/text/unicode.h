// SPDX-License-Identifier: Apache-2.0
// Unicode operations of CLIP's tokenizer: UTF-8, NFC, character classes, lower case. They follow the rules of the
// Python reference where libraries differ.
#pragma once

#include <string>
#include <string_view>

namespace lucid::text {

/// Code points of UTF-8 text. Throws UserError with the offset of the first invalid byte.
std::u32string decode_utf8(std::string_view text);
void append_utf8(std::string& out, char32_t code);

/// Canonical composition (NFC), in O(n log n) also for long runs of combining marks.
std::u32string nfc(std::u32string_view text);

bool is_space(char32_t code);   // property White_Space
bool is_letter(char32_t code);  // category L
bool is_number(char32_t code);  // category N

/// NFC, runs of white space replaced by one space, lower case character by character (so without the final-sigma rule).
std::u32string normalize(std::u32string_view text);

}  // namespace lucid::text
