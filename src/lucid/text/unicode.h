// SPDX-License-Identifier: Apache-2.0
// The few Unicode operations that CLIP's tokenizer needs, with the exact rules of the reference where libraries differ.
#pragma once

#include <string>
#include <string_view>

namespace lucid::text {

/// Code points of UTF-8 text. Throws UserError that names the first invalid byte's offset.
std::u32string decode_utf8(std::string_view text);
void append_utf8(std::string& out, char32_t code);

/// Canonical composition (NFC) in O(n log n), also for absurdly long runs of combining marks.
std::u32string nfc(std::u32string_view text);

bool is_space(char32_t code);   // White_Space
bool is_letter(char32_t code);  // category L
bool is_number(char32_t code);  // category N

/// NFC, every run of white space becomes one space, lower case a character at a time (so no final-sigma rule).
std::u32string normalize(std::u32string_view text);

}  // namespace lucid::text
