// SPDX-License-Identifier: Apache-2.0
// From a sentence to ids: special tokens cut out, the rest normalised, split into pieces, byte-pair encoded.
#include "lucid/text/tokenizer.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/text/bpe.h"
#include "lucid/text/unicode.h"

namespace lucid::text {
namespace fs = std::filesystem;
namespace {

constexpr const char *kBos = "<|startoftext|>", *kEos = "<|endoftext|>";
constexpr size_t kMaxBytes = size_t{64} << 20;
constexpr int64_t kMaxId = 1 << 24;

struct Special {
  CodePoints spelling;
  int64_t id;
};

CodePoints code_points(std::string_view ascii) { return {ascii.begin(), ascii.end()}; }

bool starts_with(const CodePoints& text, size_t at, const CodePoints& what) {
  return text.size() - at >= what.size() &&
         std::equal(what.begin(), what.end(), text.begin() + static_cast<ptrdiff_t>(at));
}

/// Splits `text` at the special tokens: calls plain(part) and special(id) in order.
void cut_out(const CodePoints& text, const std::vector<Special>& specials, const std::function<void(CodePoints)>& plain,
             const std::function<void(int64_t)>& special) {
  size_t begin = 0, at = 0;
  const auto flush = [&](size_t end) {
    if (end > begin) plain({text.begin() + static_cast<ptrdiff_t>(begin), text.begin() + static_cast<ptrdiff_t>(end)});
  };
  while (at < text.size()) {
    const auto found =
        std::ranges::find_if(specials, [&](const Special& s) { return starts_with(text, at, s.spelling); });
    if (found == specials.end()) {
      ++at;
      continue;
    }
    flush(at);
    special(found->id);
    begin = at += found->spelling.size();
  }
  flush(text.size());
}

/// Length of the piece at `at` (which is not a space) by CLIP's pattern: a contraction, a run of letters, one number,
/// or a run of anything else.
size_t piece_length(const CodePoints& text, size_t at) {
  static const CodePoints kContractions[] = {code_points("'s"),  code_points("'t"), code_points("'re"),
                                             code_points("'ve"), code_points("'m"), code_points("'ll"),
                                             code_points("'d")};
  for (const CodePoints& contraction : kContractions) {
    if (starts_with(text, at, contraction)) return contraction.size();
  }
  if (is_number(text[at])) return 1;
  const bool letters = is_letter(text[at]);
  size_t end = at + 1;
  while (end < text.size() && text[end] != ' ' && !is_number(text[end]) && is_letter(text[end]) == letters) ++end;
  return end - at;
}

std::string text_of(const nlohmann::json& value) {
  if (value.is_string()) return value;
  if (value.is_object() && value.contains("content") && value["content"].is_string()) return value["content"];
  return "";
}

/// The pad token's spelling, from whichever of the two small files has it.
std::string pad_spelling(const fs::path& folder) {
  for (const char* name : {"special_tokens_map.json", "tokenizer_config.json"}) {
    std::error_code none;
    if (!fs::exists(folder / name, none)) continue;
    const auto json = nlohmann::json::parse(read_file(folder / name, kMaxBytes), nullptr, false);
    if (!json.is_object()) throw UserError({.what_happened = "is not a JSON object", .file = (folder / name).string()});
    if (json.contains("pad_token") && !text_of(json["pad_token"]).empty()) return text_of(json["pad_token"]);
  }
  return kEos;
}

BytePairs::Vocabulary read_vocabulary(const fs::path& file) {
  const auto json = nlohmann::json::parse(read_file(file, kMaxBytes), nullptr, false);
  if (!json.is_object()) throw UserError({.what_happened = "is not a JSON object of tokens", .file = file.string()});
  BytePairs::Vocabulary vocabulary;
  for (const auto& [token, id] : json.items()) {
    if (!id.is_number_unsigned() || id.get<uint64_t>() >= kMaxId) {
      throw UserError({.what_happened = "is not a small whole number", .file = file.string(), .key = token});
    }
    vocabulary[token] = id;
  }
  return vocabulary;
}

}  // namespace

struct Tokenizer::Tables {
  Tables(BytePairs::Vocabulary vocabulary, std::string_view merges, const std::string& pad_token,
         const fs::path& folder)
      : bos(id_of(vocabulary, kBos, folder)),
        eos(id_of(vocabulary, kEos, folder)),
        pad(id_of(vocabulary, pad_token, folder)),
        pairs(std::move(vocabulary), merges, eos, (folder / "merges.txt").string()) {
    // transformers registers a pad token given as a plain text as not normalised: it is cut out of the raw sentence.
    // The other special tokens are looked for after normalising.
    raw.push_back({code_points(pad_token), pad});
    cooked.push_back({code_points(kBos), bos});
    if (pad_token != kEos) cooked.push_back({code_points(kEos), eos});
  }

  static int64_t id_of(const BytePairs::Vocabulary& vocabulary, const std::string& token, const fs::path& folder) {
    const auto it = vocabulary.find(token);
    if (it == vocabulary.end()) {
      throw UserError(
          {.what_happened = "is not in the vocabulary", .file = (folder / "vocab.json").string(), .key = token});
    }
    return it->second;
  }

  /// Ids of a normalised part without special tokens; stops early once `room` is filled.
  void encode_plain(const CodePoints& text, size_t room, std::vector<int64_t>& ids) const {
    const CodePoints end_mark = code_points(kEos), start_mark = code_points(kBos);
    for (size_t at = 0; at < text.size() && ids.size() < room;) {
      if (text[at] == ' ') {
        ++at;
        continue;
      }
      // Spelled like a special token but not cut out: "<|", the word, "|>".
      const bool marked = starts_with(text, at, end_mark) || starts_with(text, at, start_mark);
      const size_t length =
          marked ? (starts_with(text, at, end_mark) ? end_mark : start_mark).size() : piece_length(text, at);
      const int32_t* first = text.data() + at;
      if (marked) {
        pairs.encode(encode_utf8(first, first + 2), ids);
        pairs.encode(encode_utf8(first + 2, first + length - 2), ids);
        pairs.encode(encode_utf8(first + length - 2, first + length), ids);
      } else {
        pairs.encode(encode_utf8(first, first + length), ids);
      }
      at += length;
    }
  }

  std::vector<int64_t> tokens(std::string_view text, size_t room) const {
    std::vector<int64_t> ids;
    const auto add = [&](int64_t id) { ids.push_back(id); };
    cut_out(
        decode_utf8(text), raw,
        [&](const CodePoints& part) {
          if (ids.size() >= room) return;
          cut_out(
              normalized(part), cooked, [&](const CodePoints& plain) { encode_plain(plain, room, ids); }, add);
        },
        add);
    return ids;
  }

  int64_t bos, eos, pad;
  BytePairs pairs;
  std::vector<Special> raw, cooked;
};

Tokenizer Tokenizer::from_folder(const fs::path& folder) {
  Tokenizer tokenizer;
  tokenizer.tables_ =
      std::make_shared<const Tables>(read_vocabulary(folder / "vocab.json"),
                                     read_file(folder / "merges.txt", kMaxBytes), pad_spelling(folder), folder);
  return tokenizer;
}

Tokenizer Tokenizer::from_merges(std::string_view merges, bool sd2_padding) {
  Tokenizer tokenizer;
  tokenizer.tables_ = std::make_shared<const Tables>(BytePairs::vocabulary_from_merges(merges), merges,
                                                     sd2_padding ? "!" : kEos, fs::path());
  return tokenizer;
}

std::vector<int64_t> Tokenizer::encode(std::string_view text, int64_t length) const {
  LUCID_CHECK(length >= 2, "{}", length);
  const auto room = static_cast<size_t>(length - 2);
  std::vector<int64_t> ids = tables_->tokens(text, room);
  if (ids.size() > room) ids.resize(room);
  ids.insert(ids.begin(), tables_->bos);
  ids.push_back(tables_->eos);
  return ids;
}

std::vector<int64_t> Tokenizer::encode_padded(std::string_view text, int64_t length) const {
  std::vector<int64_t> ids = encode(text, length);
  ids.resize(static_cast<size_t>(length), tables_->pad);
  return ids;
}

int64_t Tokenizer::count(std::string_view text) const {
  return static_cast<int64_t>(tables_->tokens(text, std::numeric_limits<size_t>::max()).size());
}

int64_t Tokenizer::whole_word_id(std::string_view word) const {
  const auto& vocabulary = tables_->pairs.vocabulary();
  const auto it = vocabulary.find(std::string(word) + "</w>");
  return it == vocabulary.end() ? -1 : it->second;
}

int64_t Tokenizer::bos() const { return tables_->bos; }
int64_t Tokenizer::eos() const { return tables_->eos; }
int64_t Tokenizer::pad() const { return tables_->pad; }

}  // namespace lucid::text
