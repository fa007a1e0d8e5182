// SPDX-License-Identifier: Apache-2.0
// Spelling suggestions: the edit distance (Damerau-Levenshtein, optimal string alignment) and the rule for near words.
#include "lucid/base/spelling.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace lucid {

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before_last(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    std::swap(before_last, last);
    std::swap(last, row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
  }
  return row.back();
}

std::optional<size_t> near_distance(std::string_view typed, std::string_view known) {
  constexpr size_t kShortestStart = 3, kShortestPart = 4, kLettersPerEdit = 4;
  const auto [shorter, longer] = std::minmax(typed, known, [](auto a, auto b) { return a.size() < b.size(); });
  const size_t edits = edit_distance(typed, known);
  if (edits * kLettersPerEdit <= longer.size()) return edits;
  if (shorter.size() * 2 < longer.size()) return std::nullopt;
  if (shorter.size() >= kShortestStart && longer.starts_with(shorter)) return 1;
  if (shorter.size() >= kShortestPart && longer.find(shorter) != std::string_view::npos) return 2;
  return std::nullopt;
}

std::vector<std::string> near_words(std::string_view typed, const std::vector<std::string>& known, size_t most) {
  std::vector<std::pair<size_t, std::string>> found;
  for (const std::string& word : known) {
    if (const auto distance = near_distance(typed, word)) found.emplace_back(*distance, word);
  }
  std::ranges::stable_sort(found, {}, &std::pair<size_t, std::string>::first);
  std::vector<std::string> words;
  for (auto& [distance, word] : found) {
    if (distance == found.front().first && words.size() < most && std::ranges::find(words, word) == words.end())
      words.push_back(std::move(word));
  }
  return words;
}

}  // namespace lucid
