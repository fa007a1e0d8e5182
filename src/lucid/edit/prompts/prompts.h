// SPDX-License-Identifier: Apache-2.0
// The pair of prompts of an edit: where the asset's own comes from, and which pairs are refused.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace lucid::edit {

/// The prompt of the run that made an asset: that of the manifest.json beside it or in one of the three folders above,
/// where a run keeps its files; none if there is no manifest with a prompt.
std::optional<std::string> prompt_of_asset(const std::filesystem::path& asset);

/// Throws UserError for a pair that cannot be an edit: the same prompt twice, or two that share no word.
void check_pair(const std::string& from, const std::string& to);

/// Throws UserError if the words of `word` do not stand in the prompt `from`, one behind the other.
void check_mask_word(const std::string& from, const std::string& word);

}  // namespace lucid::edit
