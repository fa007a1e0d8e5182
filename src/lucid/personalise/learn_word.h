// SPDX-License-Identifier: Apache-2.0
// Textual inversion (Gal et al. 2022): learns token embeddings of a new word from pictures, with the prior frozen.
#pragma once

#include <atomic>
#include <filesystem>
#include <string>

#include "lucid/base/progress.h"
#include "lucid/personalise/denoising_loss.h"
#include "lucid/text_to_image/textual_inversion.h"

namespace lucid::personalise {

struct WordOptions {
  std::string word = "<thing>";  // its spelling in prompts
  std::string like;              // known words that it begins as; the vectors begin as their embeddings, over and over
  int64_t vectors = 4, steps = 400, batch = 4;
  double rate = 0.1;  // Adam's, in units of the embeddings' own root mean square
  uint64_t seed = 0;
  Progress::Style progress = Progress::Style::kOff;
  const std::atomic<bool>* stop = nullptr;
};

/// Adds the word to the prior, and takes `steps` steps of Adam on its vectors. If stopped, what was learnt by then.
/// Throws UserError: a word that the tokenizer has already or that is no single word, `like` without a token.
text_to_image::Inversion learn_word(text_to_image::Prior& prior, DenoisingLoss& loss, const WordOptions& options);

/// Writes {word: vectors [n,D]}, which diffusers' load_textual_inversion and read_inversions() read. Throws UserError.
void write_inversion(const std::filesystem::path& file, const text_to_image::Inversion& inversion);

}  // namespace lucid::personalise
