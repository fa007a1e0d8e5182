// SPDX-License-Identifier: Apache-2.0
// What a small prior knows: a folder may carry vocabulary.json, and prompts are then checked before minutes are spent
// on them.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lucid::text_to_image {

struct Vocabulary {
  std::vector<std::string> names;  // "teddy bear": each of its words is known
  std::vector<std::string> colours;
  std::vector<std::string> filler;                            // words that neither help nor hurt: a, the, photo
  std::map<std::string, std::vector<std::string>> seen = {};  // colours that training saw a name in; may be empty
};

/// `folder`/vocabulary.json; none where there is no such file: such a prior is not checked. Throws UserError.
std::optional<Vocabulary> load_vocabulary(const std::filesystem::path& folder);

struct PromptCheck {
  std::vector<std::string> unknown;                   // words of the prompt, lower case, in order, each once
  std::vector<std::vector<std::string>> suggestions;  // for each of them the near names and colours, nearest first;
                                                      // often none (base/spelling.h)
  bool nothing_known = false;                         // not one word is of a name or a colour
};

/// The words that the vocabulary lacks, with near ones.
PromptCheck examine_prompt(const Vocabulary& vocabulary, const std::string& text);

/// The same; throws UserError when no word is known, as no picture could come of it. The message names near entries, a
/// few examples, and the command that lists all.
PromptCheck check_prompt(const Vocabulary& vocabulary, const std::string& text);

}  // namespace lucid::text_to_image
