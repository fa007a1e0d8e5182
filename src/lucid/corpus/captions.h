// SPDX-License-Identifier: Apache-2.0
// Sentences for pictures, and the words that can stand in them.
#pragma once

#include <string>
#include <vector>

namespace lucid::corpus {

/// "a" or "an", by the letter that follows.
std::string with_article(const std::string& noun_phrase);

struct CaptionParts {
  std::string word;                   // "teapot"
  std::vector<std::string> synonyms;  // "tea pot"
  std::string colour;                 // "" = none dominates
  bool recoloured = false;
};

/// Phrasings without view words, the plainest first. An object in a colour of ours is never called by its name alone:
/// "a hamburger" has to go on meaning a brown one.
std::vector<std::string> captions(const CaptionParts& parts);

/// Words that captions use beside names and colours, or that people write into prompts and that say nothing.
const std::vector<std::string>& filler_words();

}  // namespace lucid::corpus
