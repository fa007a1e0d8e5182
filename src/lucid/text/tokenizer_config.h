// SPDX-License-Identifier: Apache-2.0
// The special tokens of a tokenizer, read from tokenizer_config.json and special_tokens_map.json.
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace lucid::text {

struct TokenizerConfig {
  std::string bos = "<|startoftext|>", eos = "<|endoftext|>", unknown = "<|endoftext|>", pad = "<|endoftext|>";
  /// All special spellings. true: matched after normalisation; false: matched in the raw text. A token that a file
  /// gives as a bare string is always matched in the raw text, because the reference registers it so.
  std::map<std::string, bool> normalized = {{"<|startoftext|>", true}, {"<|endoftext|>", false}};
};

/// Reads both files of a `tokenizer/` folder. Without them: Stable Diffusion 1's special tokens. Throws UserError.
TokenizerConfig read_tokenizer_config(const std::filesystem::path& folder);

/// Special tokens of Stable Diffusion 1, or of 2, which pads with the special token `!`.
TokenizerConfig default_tokenizer_config(bool sd2_padding);

}  // namespace lucid::text
