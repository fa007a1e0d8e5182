// SPDX-License-Identifier: Apache-2.0
// Prompts of an evaluation: generated from the vocabulary, or read from a file.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace lucid::eval {

struct EvalPrompt {
  std::string text, word, colour;  // "a blue teapot", "teapot", "blue"; colour may be empty
  bool unseen = false;             // the prior was not trained on this name in this colour
};

/// Name -> the colours that the prior was trained on with it. For an absent name the colours are unknown.
using SeenColours = std::map<std::string, std::vector<std::string>>;

/// `count` prompts, a pure function of the arguments: names at equal steps through the sorted vocabulary, or cyclic if
/// there are fewer names than prompts. Every third prompt has a colour, if possible one not in `seen`; colours rotate.
std::vector<EvalPrompt> standard_prompts(std::vector<std::string> names, const std::vector<std::string>& colours,
                                         int64_t count, const SeenColours& seen);

/// Reads one prompt per line; blank lines and lines that begin with # are skipped. Name and colour are the longest ones
/// of the vocabulary that the prompt contains. Throws UserError with the line of a prompt without a known name.
std::vector<EvalPrompt> read_prompts(const std::filesystem::path& file, const std::vector<std::string>& names,
                                     const std::vector<std::string>& colours, const SeenColours& seen);

}  // namespace lucid::eval
