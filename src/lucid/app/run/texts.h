// SPDX-License-Identifier: Apache-2.0
// The prompts of a run, embedded by the prior's text encoder.
#pragma once

#include <optional>

#include "lucid/app/run/start.h"
#include "lucid/text_to_image/prior.h"

namespace lucid::app {

/// Rows of one table, so that the U-Net caches what it computes of it once.
struct RunTexts {
  text_to_image::ViewPrompts prompts;
  std::optional<text_to_image::ViewPrompts> source = {};  // of the asset that is edited
  std::optional<text_to_image::ViewPrompts> head = {};    // of an avatar's head, where steps see it alone
};

/// Embeds the texts. Warns of words that the prior does not know and of a prompt that is too long. Finds the mask of an
/// edit by word, which asks the prior (EditedAsset::find_word). Throws UserError where the prior knows no word.
RunTexts embed_texts(text_to_image::Prior& prior, RunOptions& options, RunStart& start);

/// The run's prompt for the prior. An instruction has no view words, nor has a prompt of a prior that does not know
/// them.
text_to_image::ViewPrompts run_prompts(const text_to_image::Prior& prior, const RunOptions& options);

}  // namespace lucid::app
