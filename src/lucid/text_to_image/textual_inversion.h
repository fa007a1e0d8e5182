// SPDX-License-Identifier: Apache-2.0
// Textual inversions (Gal et al. 2022): words of a user's own, each with one or more learnt token embeddings.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lucid/text_to_image/prior.h"

namespace lucid::text_to_image {

struct Inversion {
  std::filesystem::path file;
  std::string token;      // the word, as prompts spell it
  torch::Tensor vectors;  // [n,D]
};

/// Reads diffusers' files ({token: vectors}), A1111's .pt (string_to_param, name) and bare `emb_params`, which take the
/// name of the file. A non-empty `token` renames a file's only word. Throws UserError.
std::vector<Inversion> read_inversions(const std::filesystem::path& file, const std::string& token = "");

/// Teaches the prior the word. Its vectors become the tokens WORD, WORD_1, WORD_2, ..., and WORD in a prompt stands for
/// all of them, as in diffusers. Throws UserError where the width is another one, or the word is known already.
void add_inversion(const Inversion& inversion, Prior& prior);

}  // namespace lucid::text_to_image
