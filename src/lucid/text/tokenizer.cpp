// SPDX-License-Identifier: Apache-2.0
// The tokenizer's stages in the reference's order: raw special tokens, normalisation, normalised special tokens,
// pieces, BPE.
#include "lucid/text/tokenizer.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/json/json_config.h"
#include "lucid/text/bpe.h"
#include "lucid/text/split.h"
#include "lucid/text/tokenizer_config.h"
#include "lucid/text/unicode.h"

namespace lucid::text {
namespace fs = std::filesystem;

struct Tokenizer::Tables {
  Vocabulary vocabulary;
  Bpe bpe;
  std::vector<SpecialToken> special;
  int64_t bos, eos, pad;

  Tables(Vocabulary words, const std::vector<Merge>& merges, const TokenizerConfig& config, const fs::path& folder);
  std::vector<int64_t> tokens(std::string_view text, size_t limit) const;
};

namespace {

int64_t id_of(const Vocabulary& vocabulary, const std::string& token, const fs::path& folder) {
  const auto it = vocabulary.find(token);
  if (it != vocabulary.end()) return it->second;
  throw UserError({.what_happened = "the special token is not in the vocabulary",
                   .file = (folder / "vocab.json").string(),
                   .key = token,
                   .hint = "vocab.json and tokenizer_config.json must come from the same tokenizer"});
}

Vocabulary read_vocabulary(const fs::path& file) {
  constexpr uint64_t kMaxId = std::numeric_limits<int32_t>::max();  // BPE packs two ids into a 64-bit key
  const nlohmann::json object = read_json_object(file);
  if (object.empty()) throw UserError({.what_happened = "holds no tokens", .file = file.string()});
  Vocabulary vocabulary;
  vocabulary.reserve(object.size());
  for (const auto& [token, id] : object.items()) {
    if (!id.is_number_unsigned() || id.get<uint64_t>() > kMaxId) {
      throw UserError({.what_happened = "a token's id must be a whole number",
                       .file = file.string(),
                       .key = token.substr(0, 100),
                       .hint = "this is not CLIP's vocab.json"});
    }
    vocabulary[token] = id.get<int64_t>();
  }
  return vocabulary;
}

std::string utf8(std::u32string_view codes) {
  std::string bytes;
  for (const char32_t code : codes) append_utf8(bytes, code);
  return bytes;
}

}  // namespace

Tokenizer::Tables::Tables(Vocabulary words, const std::vector<Merge>& merges, const TokenizerConfig& config,
                          const fs::path& folder)
    : vocabulary(std::move(words)),
      bpe(vocabulary, merges, id_of(vocabulary, config.unknown, folder), (folder / "merges.txt").string()),
      bos(id_of(vocabulary, config.bos, folder)),
      eos(id_of(vocabulary, config.eos, folder)),
      pad(id_of(vocabulary, config.pad, folder)) {
  for (const auto& [spelling, normalized] : config.normalized) {
    special.push_back(
        {.spelling = decode_utf8(spelling), .id = id_of(vocabulary, spelling, folder), .normalized = normalized});
  }
}

/// The first `limit` ids of `text`, without bos and eos. Stops at the limit, so that a huge prompt takes no longer.
std::vector<int64_t> Tokenizer::Tables::tokens(std::string_view text, size_t limit) const {
  std::vector<int64_t> ids;
  const std::u32string codes = decode_utf8(text);
  for (const Segment& raw : cut_special(codes, special, false)) {
    if (ids.size() >= limit) break;
    if (raw.id >= 0) {
      ids.push_back(raw.id);
      continue;
    }
    const std::u32string normal = normalize(raw.text);
    for (const Segment& segment : cut_special(normal, special, true)) {
      if (segment.id >= 0) {
        ids.push_back(segment.id);
        continue;
      }
      for (const std::u32string_view piece : split_pieces(segment.text)) {
        if (ids.size() >= limit) break;
        bpe.encode(utf8(piece), ids);
      }
    }
  }
  if (ids.size() > limit) ids.resize(limit);
  return ids;
}

Tokenizer Tokenizer::from_folder(const fs::path& folder) {
  const fs::path merges_file = folder / "merges.txt";
  Vocabulary vocabulary = read_vocabulary(folder / "vocab.json");
  const std::vector<Merge> merges = parse_merges(read_file(merges_file, size_t{1} << 26), merges_file.string());
  Tokenizer tokenizer;
  tokenizer.tables_ =
      std::make_shared<const Tables>(std::move(vocabulary), merges, read_tokenizer_config(folder), folder);
  return tokenizer;
}

Tokenizer Tokenizer::from_merges(std::string_view text, bool sd2_padding) {
  const std::vector<Merge> merges = parse_merges(text, "merges.txt");
  Vocabulary vocabulary = vocabulary_of(merges);
  const auto next = static_cast<int64_t>(2 * 256 + merges.size());
  vocabulary["<|startoftext|>"] = next;
  vocabulary["<|endoftext|>"] = next + 1;
  Tokenizer tokenizer;
  tokenizer.tables_ =
      std::make_shared<const Tables>(std::move(vocabulary), merges, default_tokenizer_config(sd2_padding), fs::path());
  return tokenizer;
}

Tokenizer Tokenizer::from_merges_file(const fs::path& file, bool sd2_padding) {
  constexpr size_t kMost = 16 << 20;
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> in(gzopen(file.c_str(), "rb"), &gzclose);
  std::string text;
  char buffer[1 << 16];
  for (int got = 1; in != nullptr && got > 0 && text.size() <= kMost;) {
    got = gzread(in.get(), buffer, sizeof(buffer));
    if (got > 0) text.append(buffer, static_cast<size_t>(got));
  }
  if (text.empty() || text.size() > kMost) {
    throw UserError(UserMistake{.what_happened = "CLIP's merges cannot be read", .file = file.string()});
  }
  return from_merges(text, sd2_padding);
}

int64_t Tokenizer::add_tokens(const std::vector<std::string>& spellings) {
  auto tables = std::make_shared<Tables>(*tables_);
  int64_t next = 0;
  for (const auto& [token, id] : tables->vocabulary) next = std::max(next, id + 1);
  for (const SpecialToken& token : tables->special) next = std::max(next, token.id + 1);
  const int64_t first = next;
  for (const std::string& spelling : spellings) {
    const std::u32string normal = normalize(decode_utf8(spelling));
    if (normal.empty() ||
        std::ranges::any_of(tables->special, [&](const SpecialToken& token) { return token.spelling == normal; })) {
      throw UserError({.what_happened = "the tokenizer has this token already, or it is empty",
                       .key = spelling.substr(0, 100),
                       .hint = "give it another name"});
    }
    tables->special.push_back({.spelling = normal, .id = next++, .normalized = true});
  }
  tables_ = std::move(tables);
  return first;
}

std::vector<int64_t> Tokenizer::encode(std::string_view text, int64_t length) const {
  LUCID_CHECK(length >= 2, "length {}", length);
  std::vector<int64_t> ids = tables_->tokens(text, static_cast<size_t>(length - 2));
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
  std::string token;
  for (const char byte : word) token += byte_spelling(static_cast<uint8_t>(byte));
  const auto it = tables_->vocabulary.find(token + std::string(kWordEnd));
  return it == tables_->vocabulary.end() ? -1 : it->second;
}

int64_t Tokenizer::bos() const { return tables_->bos; }
int64_t Tokenizer::eos() const { return tables_->eos; }
int64_t Tokenizer::pad() const { return tables_->pad; }

}  // namespace lucid::text
