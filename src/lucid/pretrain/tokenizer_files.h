// SPDX-License-Identifier: Apache-2.0
// Writes the files of a CLIP tokenizer for a small vocabulary: each known word is one token, other text becomes letters
// and bytes.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lucid/text/tokenizer.h"

namespace lucid::pretrain {

/// The words of `text`: runs of ASCII letters, lower-cased, as CLIP's tokenizer sees them.
std::vector<std::string> words_of(std::string_view text);

/// BPE merges ("left right") with which each of `words` (letters only) becomes exactly one token.
std::vector<std::string> merges_for(const std::set<std::string>& words);

/// Writes vocab.json, merges.txt, tokenizer_config.json and special_tokens_map.json; a pure function of the words.
void write_tokenizer(const std::filesystem::path& folder, const std::set<std::string>& words);

}  // namespace lucid::pretrain
