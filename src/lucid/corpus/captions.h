// SPDX-License-Identifier: Apache-2.0
// Captions of the corpus's pictures, made from templates, and the filler words of prompts.
#pragma once

#include <string>
#include <vector>

namespace lucid::corpus {

/// The phrase with "a" or "an" before it, by its first letter.
std::string with_article(const std::string& noun_phrase);

struct CaptionParts {
  std::string word;                   // "teapot"
  std::vector<std::string> synonyms;  // "tea pot"
  std::string colour;                 // "" = no dominant colour
  bool recoloured = false;
};

/// Captions without view words, the simplest first. A recoloured object is always named with its colour, so that
/// "a hamburger" keeps meaning a brown one.
std::vector<std::string> captions(const CaptionParts& parts);

/// Words without a meaning for the prior: those that captions use besides names and colours, and common prompt words.
const std::vector<std::string>& filler_words();

}  // namespace lucid::corpus
