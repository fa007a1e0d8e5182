// SPDX-License-Identifier: Apache-2.0
// Which known words are near a misspelt one, for "did you mean": of options, commands and a prior's vocabulary.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lucid {

/// Insertions, deletions, substitutions and swaps of two neighbouring bytes that turn `a` into `b`.
size_t edit_distance(std::string_view a, std::string_view b);

/// How far `known` is from `typed`; none where it is not near. Near are words of which
/// - at most a fourth of the letters differ (so none of fewer than four letters), or
/// - one begins with the other, or contains it, where the shorter one has at least half the letters, three at the
///   beginning, four elsewhere.
std::optional<size_t> near_distance(std::string_view typed, std::string_view known);

/// The near ones of `known`, nearest first, at most `most`.
std::vector<std::string> near_words(std::string_view typed, const std::vector<std::string>& known, size_t most = 3);

}  // namespace lucid
