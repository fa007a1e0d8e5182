// SPDX-License-Identifier: Apache-2.0
// A hand-written matcher of CLIP's regular expression:
// <\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+
#include "lucid/text/split.h"

#include "lucid/text/unicode.h"

namespace lucid::text {
namespace {

constexpr std::u32string_view kSpecialWords[] = {U"startoftext", U"endoftext"};
constexpr std::u32string_view kContractions[] = {U"'s", U"'t", U"'re", U"'ve", U"'m", U"'ll", U"'d"};

bool is_other(char32_t code) { return !is_space(code) && !is_letter(code) && !is_number(code); }

/// Number of leading characters of `text` for which `kind` holds.
size_t run_length(std::u32string_view text, bool (*kind)(char32_t)) {
  size_t length = 0;
  while (length < text.size() && kind(text[length])) ++length;
  return length;
}

/// Length of the word if `text` starts with "<|startoftext|>" or "<|endoftext|>", else 0.
size_t special_word(std::u32string_view text) {
  if (!text.starts_with(U"<|")) return 0;
  for (const auto word : kSpecialWords) {
    const std::u32string_view rest = text.substr(2);
    if (rest.starts_with(word) && rest.substr(word.size()).starts_with(U"|>")) return word.size();
  }
  return 0;
}

}  // namespace

std::vector<Segment> cut_special(std::u32string_view text, const std::vector<SpecialToken>& special, bool normalized) {
  std::vector<Segment> segments;
  size_t begin = 0, at = 0;
  while (at < text.size()) {
    const SpecialToken* best = nullptr;
    for (const SpecialToken& token : special) {
      if (token.normalized == normalized && text.substr(at).starts_with(token.spelling) &&
          (best == nullptr || token.spelling.size() > best->spelling.size())) {
        best = &token;
      }
    }
    if (best == nullptr) {
      ++at;
      continue;
    }
    if (at > begin) segments.push_back({.text = text.substr(begin, at - begin)});
    segments.push_back({.text = text.substr(at, best->spelling.size()), .id = best->id});
    begin = at += best->spelling.size();
  }
  if (begin < text.size()) segments.push_back({.text = text.substr(begin)});
  return segments;
}

std::vector<std::u32string_view> split_pieces(std::u32string_view text) {
  std::vector<std::u32string_view> pieces;
  const auto take = [&](size_t length) {
    pieces.push_back(text.substr(0, length));
    text.remove_prefix(length);
  };
  while (!text.empty()) {
    const char32_t first = text.front();
    if (is_space(first)) {
      text.remove_prefix(1);
      continue;
    }
    if (const size_t word = special_word(text); word > 0) {
      // Spelled like a special token but not registered as one: the reference's second pattern splits it in three.
      for (const size_t length : {size_t{2}, word, size_t{2}}) take(length);
      continue;
    }
    size_t length = 0;
    for (const auto contraction : kContractions) {
      if (length == 0 && text.starts_with(contraction)) length = contraction.size();
    }
    if (length == 0 && is_letter(first)) length = run_length(text, is_letter);
    if (length == 0 && is_number(first)) length = 1;
    if (length == 0) length = run_length(text, is_other);
    take(length);
  }
  return pieces;
}

}  // namespace lucid::text
