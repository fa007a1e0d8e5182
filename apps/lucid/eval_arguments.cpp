// SPDX-License-Identifier: Apache-2.0
// Command line of `lucid eval`.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "command_line.h"
#include "lucid/base/error.h"
#include "lucid/distill/score_table.h"
#include "shared_options.h"

namespace lucid::cli {
namespace {

void check(EvalRequest& request) {
  app::EvalOptions& options = request.options;
  if (!request.compare.empty()) options.scores = request.compare;
  for (const std::string& score : options.scores) {
    const distill::ScoreInfo* info = distill::find_score(score);
    if (info == nullptr) {
      throw UserError(
          {.what_happened = fmt::format("no score '{}'; there are {}", score, fmt::join(distill::kScoreNames, ", ")),
           .key = "--compare"});
    }
    if (info->edits()) {
      throw UserError({.what_happened = fmt::format("{} edits an asset that exists; it makes none", score),
                       .key = "--compare",
                       .hint = "lucid edit ASSET --to \"...\""});
    }
    if (std::ranges::count(options.scores, score) > 1)
      throw UserError({.what_happened = fmt::format("names {} twice", score), .key = "--compare"});
  }
  const auto refuse = [](const char* flag, const char* what) {
    throw UserError(UserMistake{.what_happened = what, .key = flag});
  };
  if (options.count < 1 || options.count > 10000) refuse("--count", "is not in [1, 10000]");
  if (options.seeds < 1 || options.seeds > 1000) refuse("--seeds", "is not in [1, 1000]");
  if (!(options.sds_steps >= 0.1 && options.sds_steps <= 100)) refuse("--sds-steps", "is not in [0.1, 100]");
}

}  // namespace

Command define_eval(CLI::App& app, EvalRequest& request) {
  CLI::App* command = app.add_subcommand("eval", "Make the assets of many prompts and measure how good they are.");
  app::EvalOptions& o = request.options;
  command->add_option("--out,-o", o.out, "Folder of the runs and the report.")->capture_default_str()->type_name("DIR");
  command->add_option("--preset", o.preset, "Preset of `lucid generate`.")->capture_default_str()->type_name("NAME");
  command->add_option("--config", o.config, "YAML file of options, applied after the preset.")->type_name("FILE");
  command->add_option("--prior", o.prior, "Prior; the embedded one if not given.")->type_name("DIR");
  command->add_option("--judge", o.judge, "Judge; the embedded one if not given.")->type_name("DIR");
  command->add_option("--corpus", o.corpus, "Real pictures; measures the distance to the nearest of them.")
      ->type_name("DIR");
  command->add_option("--clip", o.clip, "CLIP model in transformers layout, as a second judge.")->type_name("DIR");
  command->add_option("--prompts", o.prompts, "File with one prompt a line, in place of the standard set.")
      ->type_name("FILE");
  command->add_option("--count", o.count, "Prompts of the standard set.")->capture_default_str()->type_name("N");
  command->add_option("--seeds", o.seeds, "Runs of each prompt.")->capture_default_str()->type_name("N");
  command
      ->add_option(
          "--assets", o.assets,
          "Measure these in place of making assets: folders of runs, or files called by their prompts. Two are "
          "compared.")
      ->excludes("--prompts")
      ->excludes("--config")
      ->expected(1, 64)
      ->type_name("PATH");
  command
      ->add_option(
          "--compare", request.compare,
          "Scores to compare on the same prompts, each with the first: ism,tsm,sdi,csd. All take as long: steps "
          "follow from the U-Net's passes.")
      ->delimiter(',')
      ->expected(1, 16)
      ->type_name("SCORES");
  command->add_option("--sds-steps", o.sds_steps, "Steps of sds for each step of ism, so that both take as long.")
      ->capture_default_str()
      ->type_name("X");
  CLI::Option* blind =
      command
          ->add_option("--blind", o.blind,
                       "In place of measuring, write numbered pictures without names and a form for people; the key is "
                       "written to DIR.key.csv.")
          ->type_name("DIR");
  command->add_option("--score", o.form, "Compare the filled-in form of --blind with its key; do nothing else.")
      ->needs(blind)
      ->type_name("FORM.csv");
  add_threads(*command, o.threads);
  command->add_flag("--list", o.list, "Print the prompts and do nothing else.");
  command->add_flag("--json", o.json, "Print one JSON object a line.");
  return {.app = command, .check = [&request] { check(request); }};
}

}  // namespace lucid::cli
