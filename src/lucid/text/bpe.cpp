// SPDX-License-Identifier: Apache-2.0
// BPE with a heap of candidate merges over a linked list of symbols: O(n log n) also for one "word" of a megabyte.
#include "lucid/text/bpe.h"

#include <queue>

#include "lucid/base/error.h"
#include "lucid/text/unicode.h"

namespace lucid::text {
namespace {

constexpr const char* kHint = "merges.txt and vocab.json must come from the same tokenizer";

bool is_printable(int byte) {
  return (byte >= 33 && byte <= 126) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
}

std::array<std::string, 256> make_spellings() {
  std::array<std::string, 256> spellings;
  char32_t next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    append_utf8(spellings[static_cast<size_t>(byte)], is_printable(byte) ? static_cast<char32_t>(byte) : next++);
  }
  return spellings;
}

uint64_t pair_key(int64_t left, int64_t right) {
  return static_cast<uint64_t>(left) << 32 | static_cast<uint64_t>(right);
}

}  // namespace

const std::string& byte_spelling(uint8_t byte) {
  static const std::array<std::string, 256> spellings = make_spellings();
  return spellings[byte];
}

std::vector<Merge> parse_merges(std::string_view text, const std::string& file) {
  std::vector<Merge> merges;
  int number = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.starts_with("#version")) continue;
    const size_t space = line.find(' ');
    if (space == std::string_view::npos || space == 0 || space + 1 == line.size() ||
        line.find(' ', space + 1) != std::string_view::npos) {
      throw UserError({.what_happened = "two tokens with one space between were expected",
                       .file = file,
                       .line = number,
                       .hint = "this is not CLIP's merges.txt"});
    }
    merges.push_back(
        {.left = std::string(line.substr(0, space)), .right = std::string(line.substr(space + 1)), .line = number});
  }
  if (merges.empty()) throw UserError({.what_happened = "holds no merges", .file = file, .hint = kHint});
  return merges;
}

Vocabulary vocabulary_of(const std::vector<Merge>& merges) {
  Vocabulary vocabulary;
  int64_t next = 0;
  for (const std::string_view end : {std::string_view(), kWordEnd}) {
    for (const bool printable : {true, false}) {
      for (int byte = 0; byte < 256; ++byte) {
        if (is_printable(byte) == printable) {
          vocabulary[byte_spelling(static_cast<uint8_t>(byte)) + std::string(end)] = next++;
        }
      }
    }
  }
  for (const Merge& merge : merges) vocabulary[merge.left + merge.right] = next++;
  return vocabulary;
}

Bpe::Bpe(const Vocabulary& vocabulary, const std::vector<Merge>& merges, int64_t unknown,
         const std::string& merges_file) {
  const auto id_or = [&](const std::string& token, int64_t otherwise) {
    const auto it = vocabulary.find(token);
    return it == vocabulary.end() ? otherwise : it->second;
  };
  for (size_t byte = 0; byte < 256; ++byte) {
    const std::string& spelling = byte_spelling(static_cast<uint8_t>(byte));
    byte_ids_[byte] = id_or(spelling, unknown);
    word_end_ids_[byte] = id_or(spelling + std::string(kWordEnd), unknown);
  }
  rules_.reserve(merges.size());
  int64_t rank = 0;
  for (const Merge& merge : merges) {
    const int64_t left = id_or(merge.left, -1), right = id_or(merge.right, -1);
    const int64_t joined = id_or(merge.left + merge.right, -1);
    if (left < 0 || right < 0 || joined < 0) {
      throw UserError({.what_happened = fmt::format("'{} {}' names a token that vocab.json lacks",
                                                    merge.left.substr(0, 50), merge.right.substr(0, 50)),
                       .file = merges_file,
                       .line = merge.line,
                       .hint = kHint});
    }
    rules_.insert_or_assign(pair_key(left, right), Rule{.rank = rank++, .id = joined});
  }
}

const Bpe::Rule* Bpe::rule(int64_t left, int64_t right) const {
  const auto it = rules_.find(pair_key(left, right));
  return it == rules_.end() ? nullptr : &it->second;
}

void Bpe::encode(std::string_view piece, std::vector<int64_t>& ids) const {
  if (piece.empty()) return;
  struct Symbol {
    int64_t id, previous, next;  // id -1: merged into its left neighbour
  };
  struct Candidate {
    int64_t rank, at, left, right, joined;
    bool operator>(const Candidate& other) const { return std::pair(rank, at) > std::pair(other.rank, other.at); }
  };
  const auto count = static_cast<int64_t>(piece.size());
  std::vector<Symbol> symbols;
  symbols.reserve(piece.size());
  for (int64_t i = 0; i < count; ++i) {
    const auto byte = static_cast<uint8_t>(piece[static_cast<size_t>(i)]);
    symbols.push_back({i + 1 == count ? word_end_ids_[byte] : byte_ids_[byte], i - 1, i + 1 == count ? -1 : i + 1});
  }
  const auto symbol = [&](int64_t i) -> Symbol& { return symbols[static_cast<size_t>(i)]; };
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;  // lowest rank, then leftmost
  const auto offer = [&](int64_t at) {
    if (at < 0 || symbol(at).next < 0) return;
    const int64_t left = symbol(at).id, right = symbol(symbol(at).next).id;
    if (const Rule* found = rule(left, right)) queue.push({found->rank, at, left, right, found->id});
  };
  for (int64_t i = 0; i < count; ++i) offer(i);
  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    Symbol& left = symbol(best.at);
    // Skip a candidate whose symbols have been merged since it was pushed.
    if (left.id != best.left || left.next < 0 || symbol(left.next).id != best.right) continue;
    Symbol& right = symbol(left.next);
    left.id = best.joined;
    left.next = right.next;
    right.id = -1;
    if (left.next >= 0) symbol(left.next).previous = best.at;
    offer(left.previous);
    offer(best.at);
  }
  for (int64_t i = 0; i >= 0; i = symbol(i).next) ids.push_back(symbol(i).id);
}

}  // namespace lucid::text
