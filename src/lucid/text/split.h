// SPDX-License-Identifier: Apache-2.0
// How CLIP cuts text: special tokens first, then pieces (words, digits, runs of other signs) that BPE never crosses.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lucid::text {

/// A token that is recognised by its spelling instead of by BPE.
struct SpecialToken {
  std::u32string spelling;
  int64_t id = 0;
  bool normalized = false;  // true: looked for after normalisation (so in any case); false: in the raw text
};

/// A stretch of text, or a special token (`id` >= 0).
struct Segment {
  std::u32string_view text;
  int64_t id = -1;
};

/// Cuts out the special tokens of one kind (looked for before or after normalisation); leftmost, longest first.
std::vector<Segment> cut_special(std::u32string_view text, const std::vector<SpecialToken>& special, bool normalized);

/// The pieces of normalised text; white space is dropped.
std::vector<std::u32string_view> split_pieces(std::u32string_view text);

}  // namespace lucid::text
