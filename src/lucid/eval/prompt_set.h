// SPDX-License-Identifier: Apache-2.0
// Prompts of an evaluation: generated from the vocabulary, or read from a file.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lucid::eval {

struct EvalPrompt {
  std::string text, word, colour;  // "a blue teapot", "teapot", "blue"; colour may be empty
  bool unseen = false;             // the prior was not trained on this name in this colour
};

/// Name -> the colours that the prior was trained on with it. For an absent name the colours are unknown.
using SeenColours = std::map<std::string, std::vector<std::string>>;

/// The words that prompts are made of.
struct PromptWords {
  std::vector<std::string> names, colours;
  SeenColours seen;
};

/// `count` prompts, a pure function of the arguments: names at equal steps through the sorted vocabulary, or cyclic if
/// there are fewer names than prompts. Every third prompt has a colour, if possible one not in `words.seen`; colours
/// rotate.
std::vector<EvalPrompt> standard_prompts(PromptWords words, int64_t count);

/// The prompt with the longest name and the longest colour that it contains as whole words; nullopt without a name.
std::optional<EvalPrompt> recognised_prompt(const std::string& text, const PromptWords& words);

/// Reads one prompt per line; blank lines and lines that begin with # are skipped. Throws
/// UserError with the line of a prompt without a known name.
std::vector<EvalPrompt> read_prompts(const std::filesystem::path& file, const PromptWords& words);

}  // namespace lucid::eval
