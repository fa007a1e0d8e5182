// SPDX-License-Identifier: Apache-2.0
// A CLIP tokenizer for a small vocabulary: every word is one token, anything else falls apart into letters or bytes.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lucid/text/tokenizer.h"

namespace lucid::pretrain {

/// The runs of letters of `text`, lower-cased (ASCII): what CLIP's tokenizer looks up.
std::vector<std::string> words_of(std::string_view text);

/// Merges "a b" that join each word (letters only) of `words` into one token, and no word of them into anything else.
std::vector<std::string> merges_for(const std::set<std::string>& words);

/// vocab.json, merges.txt, tokenizer_config.json, special_tokens_map.json. The same words give the same files.
void write_tokenizer(const std::filesystem::path& folder, const std::set<std::string>& words);

}  // namespace lucid::pretrain
