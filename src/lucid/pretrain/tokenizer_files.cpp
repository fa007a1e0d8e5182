// SPDX-License-Identifier: Apache-2.0
// Builds BPE merges for a list of words, and writes a tokenizer folder.
#include "lucid/pretrain/tokenizer_files.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/text/bpe.h"

namespace lucid::pretrain {
namespace {

using Ranks = std::map<std::pair<std::string, std::string>, size_t>;

/// BPE of one word: merges the pair of the lowest rank until no rule applies.
std::vector<std::string> pieces_of(const std::string& word, const Ranks& ranks) {
  std::vector<std::string> pieces;
  for (const char letter : word) pieces.emplace_back(1, letter);
  pieces.back() += text::kWordEnd;
  while (pieces.size() > 1) {
    size_t best = ranks.size(), at = 0;
    for (size_t i = 0; i + 1 < pieces.size(); ++i) {
      const auto found = ranks.find({pieces[i], pieces[i + 1]});
      if (found != ranks.end() && found->second < best) best = found->second, at = i;
    }
    if (best == ranks.size()) break;
    pieces[at] += pieces[at + 1];
    pieces.erase(pieces.begin() + static_cast<ptrdiff_t>(at) + 1);
  }
  return pieces;
}

}  // namespace

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words(1);
  for (const char c : text) {
    if (c >= 'A' && c <= 'Z') {
      words.back() += static_cast<char>(c - 'A' + 'a');
    } else if (c >= 'a' && c <= 'z') {
      words.back() += c;
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

std::vector<std::string> merges_for(const std::set<std::string>& words) {
  Ranks ranks;
  std::vector<std::string> merges;
  // A later merge has lower priority than all before it, so it cannot change a word that is already one token.
  for (const std::string& word : words) {
    LUCID_CHECK(!word.empty(), "an empty word");
    for (auto pieces = pieces_of(word, ranks); pieces.size() > 1; pieces = pieces_of(word, ranks)) {
      ranks.emplace(std::pair(pieces[0], pieces[1]), ranks.size());
      merges.push_back(pieces[0] + " " + pieces[1]);
    }
  }
  return merges;
}

void write_tokenizer(const std::filesystem::path& folder, const std::set<std::string>& words) {
  const std::vector<std::string> merges = merges_for(words);
  std::string merges_text = "#version: 0.2\n";
  std::vector<std::string> tokens;  // by id
  {
    const text::Vocabulary bytes = text::vocabulary_of({});
    tokens.resize(bytes.size());
    for (const auto& [token, id] : bytes) tokens.at(static_cast<size_t>(id)) = token;
  }
  std::set<std::string> known(tokens.begin(), tokens.end());
  for (const std::string& merge : merges) {
    merges_text += merge + "\n";
    std::string token = merge;
    token.erase(token.find(' '), 1);
    if (known.insert(token).second) tokens.push_back(token);  // two merges may lead to one token
  }
  tokens.insert(tokens.end(), {"<|startoftext|>", "<|endoftext|>"});
  nlohmann::ordered_json vocabulary;
  for (size_t id = 0; id < tokens.size(); ++id) vocabulary[tokens[id]] = id;
  const nlohmann::ordered_json special = {{"bos_token", "<|startoftext|>"},
                                          {"eos_token", "<|endoftext|>"},
                                          {"unk_token", "<|endoftext|>"},
                                          {"pad_token", "<|endoftext|>"}};
  nlohmann::ordered_json config = {
      {"model_max_length", 77}, {"tokenizer_class", "CLIPTokenizer"}, {"add_prefix_space", false}};
  config.update(special);
  write_file(folder / "vocab.json", vocabulary.dump());
  write_file(folder / "merges.txt", merges_text);
  write_file(folder / "tokenizer_config.json", config.dump(1));
  write_file(folder / "special_tokens_map.json", special.dump(1));
  const auto tokenizer = text::Tokenizer::from_folder(folder);
  for (const std::string& word : words) LUCID_CHECK(tokenizer.count(word) == 1, "{} is not one token", word);
}

}  // namespace lucid::pretrain
