// SPDX-License-Identifier: Apache-2.0
// The prompts of an evaluation: a fixed function of the vocabulary, or a file.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace lucid::eval {

struct EvalPrompt {
  std::string text, word, colour;  // "a blue teapot", "teapot", "blue"; colour may be empty
  bool unseen = false;             // the prior's training saw no such name in this colour
};

/// The colours that a prior's training saw each name in; a name that is not in it: nothing is known.
using SeenColours = std::map<std::string, std::vector<std::string>>;

/// `count` prompts: names evenly through the sorted vocabulary, each name once before any twice; every third one in a
/// colour that it was not `seen` in, if there is one: the next in turn.
std::vector<EvalPrompt> standard_prompts(std::vector<std::string> names, const std::vector<std::string>& colours,
                                         int64_t count, const SeenColours& seen);

/// One prompt a line; blank lines and lines that begin with # do not count. Name and colour are found by the
/// vocabulary's words (the longest name wins). Throws UserError with the line for one without a known name.
std::vector<EvalPrompt> read_prompts(const std::filesystem::path& file, const std::vector<std::string>& names,
                                     const std::vector<std::string>& colours, const SeenColours& seen);

}  // namespace lucid::eval
