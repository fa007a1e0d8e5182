// SPDX-License-Identifier: Apache-2.0
// lucid prior corpus: 3D models to captioned pictures.
#include <fmt/format.h>

#include <memory>

#include "commands.h"
#include "lucid/app/options.h"
#include "lucid/app/threads.h"
#include "lucid/base/error.h"
#include "lucid/corpus/build.h"

namespace lucid::cli {
namespace {

struct CorpusCommand {
  corpus::BuildOptions build;
  int64_t threads = 0;
  std::string progress = "auto";
};

int run(CorpusCommand& state, const std::atomic<bool>& stop) {
  if (state.build.out.empty() && state.build.sheet.empty()) {
    throw UserError({.what_happened = "nothing to write", .key = "--out", .hint = "give --out FOLDER or --sheet FILE"});
  }
  if (state.build.table.empty()) state.build.table = app::data_folder() / "models/corpus/sweethome3d.tsv";
  state.build.progress = Progress::style_from_name(state.progress);
  app::set_threads(state.threads);
  const corpus::BuildReport report = corpus::build_corpus(state.build, stop);
  if (stop) return 130;
  if (state.build.out.empty()) return 0;
  fmt::print(
      "{} words, {} models, {} items ({} held out, {} unseen combinations), {} views in {:.1f} s; rendering alone "
      "{:.0f} "
      "views/s\n",
      report.words, report.models, report.items, report.held_out_items, report.held_out_combinations, report.views,
      report.seconds, static_cast<double>(report.views) / report.render_seconds);
  return 0;
}

}  // namespace

Command add_prior_corpus(CLI::App& prior) {
  auto state = std::make_shared<CorpusCommand>();
  CLI::App* command = prior.add_subcommand("corpus", "3D models to captioned pictures");
  corpus::BuildOptions& build = state->build;
  command->add_option("--out", build.out, "folder for the corpus")->type_name("FOLDER");
  command->add_option("--sheet", build.sheet, "also a picture of every model at azimuth 0, 90, 180")
      ->type_name("FILE.png");
  command->add_option("--library", build.library, "folder of .sh3f furniture libraries")->capture_default_str();
  command->add_option("--table", build.table, "models, their names and fronts; default models/corpus/sweethome3d.tsv");
  command->add_option("--only", build.only, "only the models of this name")->type_name("WORD");
  command->add_option("--size", build.size, "pixels")->capture_default_str()->check(CLI::Range(8, 1024));
  command->add_option("--views", build.views, "views of each model in its own colours")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  command->add_option("--colours", build.colours, "other colours of each model")
      ->capture_default_str()
      ->check(CLI::Range(0, 10));
  command->add_option("--recoloured-views", build.recoloured_views, "views in each of them")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  command->add_option("--seed", build.seed, "of views, lights, colours and what is held out")->capture_default_str();
  command->add_option("--threads", state->threads, "CPU threads; 0 = all cores")->capture_default_str();
  command->add_option("--progress", state->progress, "auto, bar, plain, json or off")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "bar", "plain", "json", "off"}));
  return {.app = command, .run = [state](const std::atomic<bool>& stop) { return run(*state, stop); }};
}

}  // namespace lucid::cli
