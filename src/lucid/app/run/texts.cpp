// SPDX-License-Identifier: Apache-2.0
// Checks and embeds the texts of a run.
#include "lucid/app/run/texts.h"

#include <spdlog/spdlog.h>

#include "lucid/text_to_image/vocabulary/vocabulary.h"

namespace lucid::app {
namespace {

/// Warns of words the prior never saw; throws when it knows none of them.
void check_words(const text_to_image::Prior& prior, const std::string& text) {
  auto vocabulary = text_to_image::load_vocabulary(prior.folder);
  if (!vocabulary) return;
  vocabulary->names.insert(vocabulary->names.end(), prior.added_words.begin(), prior.added_words.end());
  const text_to_image::PromptCheck check = text_to_image::check_prompt(*vocabulary, text);
  for (size_t i = 0; i < check.unknown.size(); ++i) {
    const auto& near = check.suggestions[i];
    spdlog::warn("the prior does not know the word '{}'{}", check.unknown[i],
                 near.empty() ? "; `lucid info words` lists the words it knows"
                              : fmt::format("; did you mean {}?", fmt::join(near, " or ")));
  }
}

}  // namespace

text_to_image::ViewPrompts run_prompts(const text_to_image::Prior& prior, const RunOptions& options) {
  const std::string text = options.text + options.prompt_suffix;
  const bool plain = !text_to_image::knows_view_words(prior) || options.train.score.instructed();
  return (plain ? text_to_image::plain_prompts : text_to_image::view_prompts)(prior, text, options.negative,
                                                                              options.inverse_text);
}

RunTexts embed_texts(text_to_image::Prior& prior, RunOptions& options, RunStart& start) {
  // Counted first: it refuses what is no UTF-8, whose words would make no sense in a warning.
  const int64_t tokens = prior.tokenizer.count(options.text + options.prompt_suffix);
  const int64_t room = prior.encoder->config().positions - 2;
  check_words(prior, options.text);
  if (tokens > room) spdlog::warn("the prompt has {} tokens; the prior reads the first {}", tokens, room);
  RunTexts texts{.prompts = run_prompts(prior, options)};
  if (start.edited) {
    const std::string& from = start.edited->from();
    check_words(prior, from);
    start.edited->find_word(prior, options);
    texts.source = text_to_image::view_prompts(prior, from, options.negative, options.inverse_text);
    text_to_image::ViewPrompts::share_table(texts.prompts, *texts.source);
  }
  if (start.figure) texts.head = start.figure->head_prompts(prior, options);
  if (texts.head) text_to_image::ViewPrompts::share_table(texts.prompts, *texts.head);
  return texts;
}

}  // namespace lucid::app
