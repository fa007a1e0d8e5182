// SPDX-License-Identifier: Apache-2.0
// What `lucid info scores` prints: the table of scores, with the defaults of their options.
#include <fmt/format.h>

#include <sstream>

#include "command_line.h"
#include "help.h"
#include "lucid/app/run_options/run_options.h"
#include "lucid/distill/score_table.h"

namespace lucid::cli {
namespace {

/// "--guidance-scale 7.5, --keep 0": the options of a score and their values with the embedded prior.
std::string defaults_text(const distill::ScoreInfo& score, const config::OptionTable& table) {
  std::istringstream names{std::string(score.options)};
  std::string text;
  for (std::string name; names >> name;) {
    const config::Option& option = table.at(name);
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", config::flag_of(option), config::value_text(option));
  }
  return text;
}

constexpr const char* kSymbols =
    "Symbols: a_t is the cumulative product of alphas, w = sqrt((1-a_t)/a_t), e(x,t,y) the noise that the U-Net "
    "predicts, e^ the same with guidance; y is the prompt, n the negative prompt, 0 the inverse (empty) prompt; ' "
    "marks the untouched asset. The gradient at the latents is lambda_guidance times the formula.";
constexpr const char* kPasses =
    "U-Net passes: predictions for one view in one step, mean over t in [0.02, 0.8], without Perp-Neg and view "
    "guidance.";

}  // namespace

std::string score_reference(bool markdown) {
  app::BoundOptions generating, editing;
  app::apply_preset(generating.table, app::embedded_prior(), generating.options.preset);
  app::apply_preset(editing.table, app::embedded_prior(), "edit");
  const auto defaults_of = [&](const distill::ScoreInfo& score) {
    return defaults_text(score, score.edits() ? editing.table : generating.table);
  };
  std::string text;
  if (!markdown) {
    const size_t width = help_width();
    for (const distill::ScoreInfo& score : distill::kScores) {
      text += fmt::format("{}: {}{}\n", score.name, score.title, score.edits() ? ", for `lucid edit`" : "");
      for (const auto& [label, value] : {std::pair<std::string, std::string>{"gradient", score.formula},
                                         {"paper", std::string(score.paper)},
                                         {"U-Net passes", fmt::format("{}", score.passes)},
                                         {"options", defaults_of(score)}}) {
        std::string margin = fmt::format("  {:<14}", label);
        for (const std::string& line : wrapped(value, width - margin.size())) {
          text += margin + line + "\n";
          margin.assign(margin.size(), ' ');
        }
      }
      text += "\n";
    }
    for (const char* note : {kSymbols, kPasses})
      for (const std::string& line : wrapped(note, width)) text += line + "\n";
    return text;
  }
  text = fmt::format(
      "<!-- SPDX-License-Identifier: Apache-2.0 -->\n"
      "<!-- Written by `lucid info scores --markdown`; do not edit by hand. -->\n"
      "# Scores\n\n"
      "`lucid generate --score NAME` distils another score than ISM; those marked edit are for `lucid edit`. "
      "[scores.md](../research/scores.md) in the experiments shows what they make.\n\n"
      "{}\n\n{}\n\n"
      "| score | name | gradient at the latents | U-Net passes | options, with the embedded prior's values | paper |\n"
      "|---|---|---|---|---|---|\n",
      kSymbols, kPasses);
  for (const distill::ScoreInfo& score : distill::kScores) {
    text += fmt::format("| `{}` | {}{} | `{}` | {} | `{}` | {} |\n", score.name, score.title,
                        score.edits() ? " (edit)" : "", score.formula, score.passes, defaults_of(score), score.paper);
  }
  return text;
}

}  // namespace lucid::cli
