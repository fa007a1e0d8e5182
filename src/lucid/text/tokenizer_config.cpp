// SPDX-License-Identifier: Apache-2.0
// Reads and merges the two JSON files. Where both name a token, special_tokens_map.json wins, as in transformers.
#include "lucid/text/tokenizer_config.h"

#include "lucid/base/error.h"
#include "lucid/json/json_config.h"

namespace lucid::text {
namespace fs = std::filesystem;
namespace {

/// The spelling of a special token's entry: a bare string, or {"content": spelling, "normalized": …}.
std::string spelling_of(const nlohmann::json& entry, const fs::path& file, const std::string& key) {
  const nlohmann::json& text = entry.is_object() && entry.contains("content") ? entry["content"] : entry;
  if (!text.is_string() || text.get_ref<const std::string&>().empty())
    throw UserError({.what_happened = "a token's spelling was expected", .file = file.string(), .key = key});
  return text;
}

bool normalized_of(const nlohmann::json& entry, const fs::path& file, const std::string& key) {
  if (!entry.is_object() || !entry.contains("normalized")) return false;
  if (!entry["normalized"].is_boolean())
    throw UserError({.what_happened = "'normalized' must be true or false", .file = file.string(), .key = key});
  return entry["normalized"];
}

}  // namespace

TokenizerConfig default_tokenizer_config(bool sd2_padding) {
  TokenizerConfig config;
  if (sd2_padding) {
    config.pad = std::string(1, '!');
    config.normalized = {{"<|startoftext|>", true}, {"<|endoftext|>", true}, {"!", false}};
  }
  return config;
}

TokenizerConfig read_tokenizer_config(const fs::path& folder) {
  struct Entry {
    nlohmann::json value;
    fs::path file;
  };
  std::map<std::string, Entry> named;
  TokenizerConfig config;
  const std::pair<const char*, std::string*> roles[] = {{"bos_token", &config.bos},
                                                        {"eos_token", &config.eos},
                                                        {"unk_token", &config.unknown},
                                                        {"pad_token", &config.pad}};
  Entry added;
  for (const char* name : {"tokenizer_config.json", "special_tokens_map.json"}) {
    const fs::path file = folder / name;
    std::error_code none;
    if (!fs::exists(file, none)) continue;
    const nlohmann::json object = read_json_object(file);
    for (const auto& [role, spelling] : roles) {
      if (object.contains(role) && !object[role].is_null()) named[role] = {.value = object[role], .file = file};
    }
    if (object.contains("added_tokens_decoder")) added = {.value = object["added_tokens_decoder"], .file = file};
  }
  if (named.empty()) return config;
  config.normalized.clear();
  for (const auto& [role, spelling] : roles) {
    const auto it = named.find(role);
    if (it != named.end()) *spelling = spelling_of(it->second.value, it->second.file, role);
    const bool normalized = it != named.end() && normalized_of(it->second.value, it->second.file, role);
    const auto known = config.normalized.find(*spelling);
    config.normalized[*spelling] = normalized && (known == config.normalized.end() || known->second);
  }
  if (added.value.is_object()) {  // newer files state for each token whether it is normalized
    for (const auto& [id, entry] : added.value.items()) {
      const std::string spelling = spelling_of(entry, added.file, fmt::format("added_tokens_decoder.{}", id));
      if (config.normalized.contains(spelling)) config.normalized[spelling] = normalized_of(entry, added.file, id);
    }
  }
  return config;
}

}  // namespace lucid::text
