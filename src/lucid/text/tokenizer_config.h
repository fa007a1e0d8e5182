// SPDX-License-Identifier: Apache-2.0
// Which spellings are special tokens, from tokenizer_config.json and special_tokens_map.json.
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace lucid::text {

struct TokenizerConfig {
  std::string bos = "<|startoftext|>", eos = "<|endoftext|>", unknown = "<|endoftext|>", pad = "<|endoftext|>";
  /// Special spellings; true: looked for after normalisation. A token given as a bare string is looked for in the raw
  /// text, whatever else says so, because the reference registers it again as such.
  std::map<std::string, bool> normalized = {{"<|startoftext|>", true}, {"<|endoftext|>", false}};
};

/// Reads both files of a `tokenizer/` folder; absent ones leave Stable Diffusion 1's convention. Throws UserError.
TokenizerConfig read_tokenizer_config(const std::filesystem::path& folder);

/// Stable Diffusion 1's convention, or 2's, whose pad token `!` is itself a special token.
TokenizerConfig default_tokenizer_config(bool sd2_padding);

}  // namespace lucid::text
