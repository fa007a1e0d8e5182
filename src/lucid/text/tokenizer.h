// SPDX-License-Identifier: Apache-2.0
// CLIP's byte-level BPE tokenizer (Radford et al. 2021), exactly as transformers' CLIPTokenizer gives ids.
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
  /// From the full merges list alone (`merges.txt` layout); vocab follows from it.
  static Tokenizer from_merges(std::string_view merges, bool sd2_padding);

  /// Gives each spelling an id of its own, counting on from the largest there is; found in any case, the longest first.
  /// Returns the first id. Throws UserError where the tokenizer has one of them already.
  int64_t add_tokens(const std::vector<std::string>& spellings);

  /// bos + at most length-2 tokens + eos, unpadded. `text` must be valid UTF-8 (throws UserError otherwise).
  std::vector<int64_t> encode(std::string_view text, int64_t length = 77) const;
  /// The same, padded to `length`.
  std::vector<int64_t> encode_padded(std::string_view text, int64_t length = 77) const;
  /// Number of tokens of `text` without bos and eos and without the cut at `length` (to warn about what is lost).
  int64_t count(std::string_view text) const;
  /// Id of `word` + "</w>" if the vocabulary has it as one token, else -1.
  int64_t whole_word_id(std::string_view word) const;

  int64_t bos() const;
  int64_t eos() const;
  int64_t pad() const;

 private:
  struct Tables;
  std::shared_ptr<const Tables> tables_;
};

}  // namespace lucid::text
