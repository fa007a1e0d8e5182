// SPDX-License-Identifier: Apache-2.0
// Blind evaluation by people: numbered pictures without names, a form to fill in, and a key to compare it with.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "lucid/eval/found_assets.h"
#include "lucid/eval/prompt_set.h"

namespace lucid::eval {

struct BlindAsset {
  FoundAsset found;
  EvalPrompt prompt;
};

/// Other names of a word that count as right: "sofa" -> "couch".
using Synonyms = std::map<std::string, std::vector<std::string>>;

/// Writes into `folder`, for each asset in a random order, NN.png: four sides at kCloseUpSize. Also form.csv and
/// form.html, the form with the pictures. The key is written beside the folder, where whoever fills in the form does
/// not look: key_of(folder). Throws UserError.
void write_blind(const std::filesystem::path& folder, const std::vector<BlindAsset>& assets, const Synonyms& synonyms);

/// FOLDER.key.csv: number, prompt, names that count as right (separated by '|'), file of the asset.
std::filesystem::path key_of(const std::filesystem::path& folder);

struct BlindAnswer {
  int64_t number = 0;
  std::string name;  // as written; may be empty
  double looks = 0;  // 1 to 5; 0 = not rated
  std::string prompt;
  bool right = false;
};

struct BlindScore {
  std::vector<BlindAnswer> answers;  // by number
  int64_t right = 0, rated = 0;
  double looks = 0;  // mean of the rated
};

/// Compares a filled-in form with the key. Throws UserError: a number that the key does not have or that stands twice,
/// looks that are not 1 to 5. Assets without an answer count as wrong.
BlindScore score_form(const std::filesystem::path& folder, const std::filesystem::path& form);

/// Whether an answer names one of `accepted`, ignoring case, articles, punctuation and plural endings. It does if it
/// contains all words of a name in order ("a toy car": car), or is a name's last word ("cake": birthday cake).
bool names_rightly(const std::string& answer, const std::vector<std::string>& accepted);

/// The rows of a CSV text: fields separated by commas, or by semicolons if the first line has one and no comma. Fields
/// may be quoted; blank lines are left out.
std::vector<std::vector<std::string>> parse_csv(const std::string& text);

}  // namespace lucid::eval
