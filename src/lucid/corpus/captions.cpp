// SPDX-License-Identifier: Apache-2.0
// The caption templates ("a red teapot", "the red teapot", ...) and the list of filler words.
#include "lucid/corpus/captions.h"

#include <string_view>

namespace lucid::corpus {

std::string with_article(const std::string& noun_phrase) {
  const bool vowel = !noun_phrase.empty() && std::string_view("aeiou").find(noun_phrase[0]) != std::string_view::npos;
  return (vowel ? "an " : "a ") + noun_phrase;
}

std::vector<std::string> captions(const CaptionParts& parts) {
  std::vector<std::string> names = {parts.word};
  names.insert(names.end(), parts.synonyms.begin(), parts.synonyms.end());
  std::vector<std::string> phrases;
  const auto add = [&](const std::string& phrase) {
    phrases.push_back(with_article(phrase));
    phrases.push_back("the " + phrase);
    phrases.push_back(phrase);
  };
  for (const std::string& name : names) {
    if (!parts.recoloured) add(name);
    if (!parts.colour.empty()) add(parts.colour + " " + name);
  }
  return phrases;
}

const std::vector<std::string>& filler_words() {
  static const std::vector<std::string> words = {
      "a",      "an",       "the",       "of",    "photo", "picture", "image", "render", "rendering", "model",
      "object", "toy",      "view",      "front", "side",  "back",    "left",  "right",  "top",       "above",
      "dslr",   "detailed", "realistic", "and",   "with",  "in",      "on",    "from",   "3d"};
  return words;
}

}  // namespace lucid::corpus
