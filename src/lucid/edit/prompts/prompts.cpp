// SPDX-License-Identifier: Apache-2.0
// Prompts of manifests, and the words that two prompts share.
#include "lucid/edit/prompts/prompts.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"

namespace lucid::edit {
namespace fs = std::filesystem;
namespace {

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : text + " ") {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || static_cast<unsigned char>(c) >= 0x80) {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else if (!word.empty()) {
      words.push_back(word);
      word.clear();
    }
  }
  return words;
}

}  // namespace

std::optional<std::string> prompt_of_asset(const fs::path& asset) {
  std::error_code none;
  constexpr int kFolders = 4;  // RUN/point_cloud/iteration_N/point_cloud.ply
  fs::path folder = fs::absolute(asset, none).lexically_normal().parent_path();
  for (int i = 0; i < kFolders && !folder.empty(); ++i, folder = folder.parent_path()) {
    const fs::path manifest = folder / "manifest.json";
    if (!fs::exists(manifest, none)) continue;
    const auto json = nlohmann::json::parse(read_file(manifest), nullptr, /*allow_exceptions=*/false);
    if (!json.is_object() || !json.contains("prompt") || !json.at("prompt").is_string()) return std::nullopt;
    return json.at("prompt").get<std::string>();
  }
  return std::nullopt;
}

void check_pair(const std::string& from, const std::string& to) {
  const std::vector<std::string> words_before = words_of(from), words_after = words_of(to);
  const std::set<std::string> before(words_before.begin(), words_before.end());
  const std::set<std::string> after(words_after.begin(), words_after.end());
  if (before == after) {
    throw UserError({.what_happened = fmt::format("'{}' is what the asset shows already", to),
                     .key = "to",
                     .hint = "--to says what it is to become"});
  }
  const bool share = std::ranges::any_of(after, [&](const std::string& word) { return before.contains(word); });
  if (!share) {
    throw UserError({.what_happened = fmt::format("'{}' and '{}' share no word", from, to),
                     .key = "to",
                     .hint = "an edit changes a part of the prompt: 'a red car' to 'a blue car'; for another object, "
                             "lucid generate"});
  }
}

void check_mask_word(const std::string& from, const std::string& word) {
  const std::vector<std::string> words = words_of(from), wanted = words_of(word);
  if (!wanted.empty() && !std::ranges::search(words, wanted).empty()) return;
  throw UserError({.what_happened = fmt::format("'{}' does not stand in the prompt '{}'", word, from),
                   .key = "mask_word",
                   .hint = "a word of the asset's prompt, written as there"});
}

}  // namespace lucid::edit
