// SPDX-License-Identifier: Apache-2.0
// CLIP's pre-tokenization: cuts text at special tokens, then into pieces (words, digits, runs of other characters). BPE
// merges within a piece only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lucid::text {

/// A token that is found by its spelling, before BPE.
struct SpecialToken {
  std::u32string spelling;
  int64_t id = 0;
  bool normalized = false;  // true: matched after normalisation, so in any case; false: matched in the raw text
};

/// A piece of text without special tokens (`id` -1), or one special token (`id` >= 0).
struct Segment {
  std::u32string_view text;
  int64_t id = -1;
};

/// Cuts `text` at the special tokens whose flag `normalized` matches. The leftmost match wins, of these the longest.
std::vector<Segment> cut_special(std::u32string_view text, const std::vector<SpecialToken>& special, bool normalized);

/// The pieces of normalised text, by CLIP's regular expression; white space is dropped.
std::vector<std::u32string_view> split_pieces(std::u32string_view text);

}  // namespace lucid::text
