// SPDX-License-Identifier: Apache-2.0
// Generates the standard prompts, and parses prompt files.
#include "lucid/eval/prompt_set.h"

#include <algorithm>
#include <sstream>

#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/corpus/captions.h"

namespace lucid::eval {
namespace {

constexpr size_t kMaxFile = size_t{1} << 22;

/// The longest entry of `list` that `text` contains as whole words, or "".
std::string longest_in(const std::string& text, const std::vector<std::string>& list) {
  std::string best;
  const std::string padded = " " + text + " ";
  for (const std::string& entry : list) {
    if (entry.size() > best.size() && padded.find(" " + entry + " ") != std::string::npos) best = entry;
  }
  return best;
}

bool is_unseen(const SeenColours& seen, const std::string& word, const std::string& colour) {
  const auto found = seen.find(word);
  return found != seen.end() && std::ranges::find(found->second, colour) == found->second.end();
}

}  // namespace

std::vector<EvalPrompt> standard_prompts(PromptWords words, int64_t count) {
  std::vector<std::string>& names = words.names;
  const std::vector<std::string>& colours = words.colours;
  LUCID_CHECK(!names.empty(), "no names for {} prompts", count);
  std::ranges::sort(names);
  const auto total = static_cast<int64_t>(names.size());
  std::vector<EvalPrompt> prompts;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t name = count >= total ? i % total : i * total / count;
    EvalPrompt prompt{.text = {}, .word = names[static_cast<size_t>(name)], .colour = {}};
    if (i % 3 == 1 && !colours.empty()) {
      const size_t turn = static_cast<size_t>(i / 3);
      prompt.colour = colours[turn % colours.size()];
      for (size_t k = 0; k < colours.size() && !prompt.unseen; ++k) {
        const std::string& colour = colours[(turn + k) % colours.size()];
        if (is_unseen(words.seen, prompt.word, colour)) prompt.colour = colour, prompt.unseen = true;
      }
    }
    prompt.text = corpus::with_article(prompt.colour.empty() ? prompt.word : prompt.colour + " " + prompt.word);
    prompts.push_back(prompt);
  }
  return prompts;
}

std::optional<EvalPrompt> recognised_prompt(const std::string& text, const PromptWords& words) {
  EvalPrompt prompt{.text = text, .word = longest_in(text, words.names), .colour = longest_in(text, words.colours)};
  if (prompt.word.empty()) return std::nullopt;
  prompt.unseen = !prompt.colour.empty() && is_unseen(words.seen, prompt.word, prompt.colour);
  return prompt;
}

std::vector<EvalPrompt> read_prompts(const std::filesystem::path& file, const PromptWords& words) {
  std::istringstream lines(read_file(file, kMaxFile));
  std::vector<EvalPrompt> prompts;
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back())) != 0) line.pop_back();
    if (line.empty() || line.front() == '#') continue;
    const auto prompt = recognised_prompt(line, words);
    if (!prompt) {
      throw UserError({.what_happened = fmt::format("'{}' holds no name that the judge knows", line),
                       .file = file.string(),
                       .line = number});
    }
    prompts.push_back(*prompt);
  }
  if (prompts.empty()) throw UserError({.what_happened = "holds no prompts", .file = file.string()});
  return prompts;
}

}  // namespace lucid::eval
