// SPDX-License-Identifier: Apache-2.0
// Reads vocabulary.json and compares the words of a prompt with it.
#include "lucid/text_to_image/vocabulary/vocabulary.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>

#include "lucid/base/error.h"
#include "lucid/base/spelling.h"
#include "lucid/json/json_config.h"

namespace lucid::text_to_image {
namespace {

constexpr size_t kSuggestions = 3, kExamples = 6;

// Lower-case words; letters, digits and all of UTF-8's longer characters stay, an apostrophe falls out ("rubik's" ->
// "rubiks").
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  const auto finish = [&] {
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
  };
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\'') continue;
    if (byte >= 0x80 || std::isalnum(byte) != 0) {
      word += static_cast<char>(byte < 0x80 ? std::tolower(byte) : byte);
    } else {
      finish();
    }
  }
  finish();
  return words;
}

std::set<std::string> words_of_all(const std::vector<std::string>& entries) {
  std::set<std::string> all;
  for (const std::string& entry : entries) {
    for (std::string& word : words_of(entry)) all.insert(std::move(word));
  }
  return all;
}

/// Names and colours with a word that is near `typed`, nearest first.
std::vector<std::string> near_entries(const Vocabulary& vocabulary, const std::string& typed) {
  std::vector<std::pair<size_t, std::string>> found;
  for (const auto* list : {&vocabulary.names, &vocabulary.colours}) {
    for (const std::string& entry : *list) {
      std::optional<size_t> best;
      for (const std::string& word : words_of(entry)) {
        const auto distance = near_distance(typed, word);
        if (distance && (!best || *distance < *best)) best = distance;
      }
      if (best) found.emplace_back(*best, entry);
    }
  }
  std::ranges::stable_sort(found, {}, &std::pair<size_t, std::string>::first);
  if (found.size() > kSuggestions) found.resize(kSuggestions);
  std::vector<std::string> entries;
  for (auto& [unused, entry] : found) entries.push_back(std::move(entry));
  return entries;
}

/// A few names from all over the list.
std::vector<std::string> examples_of(const std::vector<std::string>& names) {
  const size_t count = std::min(kExamples, names.size());
  std::vector<std::string> some;
  for (size_t i = 0; i < count; ++i) some.push_back(names[i * names.size() / count]);
  return some;
}

std::vector<std::string> string_list(const nlohmann::json& json, const std::filesystem::path& file, const char* key,
                                     bool required) {
  const auto mistake = [&](const char* what) {
    return UserError(
        UserMistake{.what_happened = what,
                    .file = file.string(),
                    .key = key,
                    .hint = "vocabulary.json is {\"names\": [...], \"colours\": [...], \"filler\": [...]}"});
  };
  if (!json.contains(key)) {
    if (required) throw mistake("is missing");
    return {};
  }
  const auto& list = json.at(key);
  if (!list.is_array()) throw mistake("must be a list of words");
  std::vector<std::string> entries;
  for (const auto& entry : list) {
    if (!entry.is_string() || words_of(entry.get<std::string>()).empty()) throw mistake("must be a list of words");
    entries.push_back(entry.get<std::string>());
  }
  return entries;
}

}  // namespace

std::optional<Vocabulary> load_vocabulary(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "vocabulary.json";
  if (!std::filesystem::exists(file)) return std::nullopt;
  const nlohmann::json json = read_json_object(file);
  Vocabulary vocabulary{.names = string_list(json, file, "names", true),
                        .colours = string_list(json, file, "colours", false),
                        .filler = string_list(json, file, "filler", false)};
  if (json.contains("seen")) {
    const nlohmann::json& seen = json.at("seen");
    if (!seen.is_object()) {
      throw UserError({.what_happened = "an object of lists was expected", .file = file.string(), .key = "seen"});
    }
    for (const auto& [name, unused] : seen.items())
      vocabulary.seen[name] = string_list(seen, file, name.c_str(), false);
  }
  return vocabulary;
}

PromptCheck examine_prompt(const Vocabulary& vocabulary, const std::string& text) {
  PromptCheck check;
  std::set<std::string> known = words_of_all(vocabulary.names);
  known.merge(words_of_all(vocabulary.colours));
  const std::set<std::string> filler = words_of_all(vocabulary.filler);

  check.nothing_known = true;
  for (const std::string& word : words_of(text)) {
    if (known.contains(word)) {
      check.nothing_known = false;
    } else if (!filler.contains(word) && std::ranges::find(check.unknown, word) == check.unknown.end()) {
      check.unknown.push_back(word);
      check.suggestions.push_back(near_entries(vocabulary, word));
    }
  }
  return check;
}

PromptCheck check_prompt(const Vocabulary& vocabulary, const std::string& text) {
  PromptCheck check = examine_prompt(vocabulary, text);
  if (!check.nothing_known) return check;
  std::vector<std::string> near_ones;
  for (const auto& suggestion : check.suggestions)
    near_ones.insert(near_ones.end(), suggestion.begin(), suggestion.end());
  const std::string meant = near_ones.empty() ? "" : fmt::format("did you mean {}? ", fmt::join(near_ones, ", "));
  throw UserError(
      UserMistake{.what_happened = fmt::format("the prior knows no word of \"{}\"", text),
                  .key = "text",
                  .hint = fmt::format("{}it knows {} things, such as {}; `lucid info words` lists them", meant,
                                      vocabulary.names.size(), fmt::join(examples_of(vocabulary.names), ", "))});
}

}  // namespace lucid::text_to_image
