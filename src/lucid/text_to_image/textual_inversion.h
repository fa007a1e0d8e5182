// SPDX-License-Identifier: Apache-2.0
// Textual inversion (Gal et al. 2022): new words for prompts, each with one or more learnt token embeddings.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lucid/text_to_image/prior.h"

namespace lucid::text_to_image {

struct Inversion {
  std::filesystem::path file;
  std::string token;          // the word's spelling in prompts
  torch::Tensor vectors;      // [n,D]
  torch::Tensor second = {};  // [n,D2] of SDXL, for its second text encoder; else undefined
};

/// Reads a file of diffusers ({token: vectors}), of A1111 (.pt with string_to_param and name), or with a bare
/// `emb_params` or SDXL's `clip_l` and `clip_g`, whose word is the file's name. A non-empty `token` renames the file's
/// only word. Throws UserError.
std::vector<Inversion> read_inversions(const std::filesystem::path& file, const std::string& token = "");

/// Adds the word to the prior's tokenizer and text encoder. Its vectors become the tokens WORD, WORD_1, WORD_2, ...,
/// and WORD in a prompt stands for all of them, as in diffusers. Throws UserError if the file is for another family of
/// models, a width differs from the encoder's, or the word is already a token.
void add_inversion(const Inversion& inversion, Prior& prior);

}  // namespace lucid::text_to_image
