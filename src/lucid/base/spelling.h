// SPDX-License-Identifier: Apache-2.0
// Spelling suggestions ("did you mean"): edit distance, and the known words near a misspelt one. Used for options,
// commands and a prior's vocabulary.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lucid {

/// The least number of insertions, deletions, substitutions and swaps of two adjacent bytes that turn `a` into `b`.
size_t edit_distance(std::string_view a, std::string_view b);

/// The distance of `known` from `typed`, or none if it is not near. A word is near if
/// - at most a quarter of the letters differ (never for words of fewer than four letters), or
/// - one of the two words contains the other, and the shorter one has at least half the letters of the longer one and
///   at least three letters at its beginning or four elsewhere.
std::optional<size_t> near_distance(std::string_view typed, std::string_view known);

/// The nearest of `known`: none, one, or several that are equally near, at most `most`.
std::vector<std::string> near_words(std::string_view typed, const std::vector<std::string>& known, size_t most = 3);

}  // namespace lucid
