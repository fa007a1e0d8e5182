// SPDX-License-Identifier: Apache-2.0
// Byte-level byte-pair encoding (BPE) of CLIP's tokenizer: the pair of lowest rank is merged until no rule applies.
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

/// One merge rule: a line "left right" of merges.txt, and its line number.
struct Merge {
  std::string left, right;
  int line = 0;
};

/// Parses merges.txt. `file` is its name in error messages. Throws UserError with the line at fault.
std::vector<Merge> parse_merges(std::string_view text, const std::string& file);

/// CLIP's vocabulary (token -> id) as it follows from the merges: 256 bytes, 256 bytes with "</w>", one token per
/// merge. The special tokens, whose ids follow, are not included.
Vocabulary vocabulary_of(const std::vector<Merge>& merges);

/// The character that stands for a byte in vocab.json, in UTF-8: the byte itself if printable, else one from U+0100 up.
const std::string& byte_spelling(uint8_t byte);

constexpr std::string_view kWordEnd = "</w>";

class Bpe {
 public:
  /// `unknown` is the id of bytes that have no token. Throws UserError if a merge names a token that the vocabulary
  /// lacks; `merges_file` is its name in the message.
  Bpe(const Vocabulary& vocabulary, const std::vector<Merge>& merges, int64_t unknown, const std::string& merges_file);
  /// Appends the ids of one piece of text (raw bytes) to `ids`. O(n log n).
  void encode(std::string_view piece, std::vector<int64_t>& ids) const;

 private:
  struct Rule {
    int64_t rank, id;
  };
  const Rule* rule(int64_t left, int64_t right) const;

  std::array<int64_t, 256> byte_ids_{}, word_end_ids_{};  // id of each byte inside a word, and as a word's last byte
  std::unordered_map<uint64_t, Rule> rules_;              // by (left id, right id)
};

}  // namespace lucid::text
