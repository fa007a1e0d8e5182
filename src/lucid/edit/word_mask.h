// SPDX-License-Identifier: Apache-2.0
// Masks by a word: where a prior looks for it. The cross attention of its U-Net says which parts of a picture a word of
// the prompt stands for (Hertz et al. 2022, "Prompt-to-Prompt Image Editing with Cross Attention Control").
#pragma once

#include <string>
#include <vector>

#include "lucid/edit/mask_pictures.h"
#include "lucid/text_to_image/prior.h"

namespace lucid::edit {

/// A word, or several in a row, of the prompt that an asset was made with.
struct WordQuery {
  std::string prompt, word;
  double threshold = 0.5;  // white is what gets more than so much of the most attention in any view
};

/// White where the prior attends to the word, in the test views of `cloud`. The share of the word's tokens is averaged
/// over the layers and over four noise levels. Throws UserError if the prompt does not hold the word.
std::vector<MaskPicture> word_pictures(text_to_image::Prior& prior, const gaussians::Cloud& cloud,
                                       const WordQuery& query, const ViewOptions& views);

}  // namespace lucid::edit
