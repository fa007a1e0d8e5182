// SPDX-License-Identifier: Apache-2.0
// Byte-level byte-pair encoding: the bytes of a piece are merged, best rank first, until no merge applies.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace lucid::text {

using Vocabulary = std::unordered_map<std::string, int64_t>;

/// One line "a b" of merges.txt, and which.
struct Merge {
  std::string left, right;
  int line = 0;
};

/// The lines of a merges.txt; `file` is for messages. Throws UserError with the line at fault.
std::vector<Merge> parse_merges(std::string_view text, const std::string& file);

/// CLIP's vocabulary: 256 bytes, the same at a word's end, one token a merge (special tokens follow, not included).
Vocabulary vocabulary_of(const std::vector<Merge>& merges);

/// UTF-8 spelling of a byte in vocab.json: itself where printable, else a letter from U+0100 upwards.
const std::string& byte_spelling(uint8_t byte);

constexpr std::string_view kWordEnd = "</w>";

class Bpe {
 public:
  /// Throws UserError when a merge names a token that the vocabulary lacks. `unknown` stands for a byte without a
  /// token.
  Bpe(const Vocabulary& vocabulary, const std::vector<Merge>& merges, int64_t unknown, const std::string& merges_file);
  /// Appends the ids of one piece (raw bytes). O(n log n).
  void encode(std::string_view piece, std::vector<int64_t>& ids) const;

 private:
  struct Rule {
    int64_t rank, id;
  };
  const Rule* rule(int64_t left, int64_t right) const;

  std::array<int64_t, 256> byte_ids_{}, word_end_ids_{};  // id of a byte inside a word, and at its end
  std::unordered_map<uint64_t, Rule> rules_;              // by (left id, right id)
};

}  // namespace lucid::text
