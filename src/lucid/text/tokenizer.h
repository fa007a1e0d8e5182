// SPDX-License-Identifier: Apache-2.0
// CLIP's byte-level BPE tokenizer (Radford et al. 2021); gives the same ids as transformers' CLIPTokenizer.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lucid::text {

class Tokenizer {
 public:
  /// Reads vocab.json, merges.txt, tokenizer_config.json and special_tokens_map.json of a diffusers `tokenizer/`
  /// folder. The pad token decides between the SD 1 (`<|endoftext|>`) and SD 2 (`!`) conventions. Throws UserError.
  static Tokenizer from_folder(const std::filesystem::path& folder);
  /// From a file of that list, gzipped or not. Throws UserError.
  static Tokenizer from_merges_file(const std::filesystem::path& file, bool sd2_padding);
  /// From the full list of merges (text of `merges.txt`), which determines the vocabulary. Throws UserError.
  static Tokenizer from_merges(std::string_view merges, bool sd2_padding);

  /// Adds special tokens, matched in any case, the longest first. Their ids follow the largest existing one; returns
  /// the first. Throws UserError if a spelling is empty or already a special token.
  int64_t add_tokens(const std::vector<std::string>& spellings);

  /// bos + at most length-2 tokens + eos, unpadded. Throws UserError if `text` is not valid UTF-8.
  std::vector<int64_t> encode(std::string_view text, int64_t length = 77) const;
  /// encode(), padded to `length` with pad().
  std::vector<int64_t> encode_padded(std::string_view text, int64_t length = 77) const;
  /// Number of tokens of `text` without bos and eos, not truncated. The caller can warn about a prompt that is cut.
  int64_t count(std::string_view text) const;
  /// Id of `word` if the vocabulary has it as a single token, else -1.
  int64_t whole_word_id(std::string_view word) const;

  int64_t bos() const;
  int64_t eos() const;
  int64_t pad() const;

 private:
  struct Tables;
  std::shared_ptr<const Tables> tables_;
};

}  // namespace lucid::text
