// SPDX-License-Identifier: Apache-2.0
// lucid eval: how good the assets of many prompts are, in numbers and pictures.
#include <algorithm>
#include <memory>

#include "commands.h"
#include "lucid/app/evaluate.h"
#include "lucid/base/error.h"
#include "lucid/distill/distiller.h"

namespace lucid::cli {
namespace {

struct EvalState {
  app::EvalOptions options;
  std::vector<std::string> compare;
};

int run(EvalState& state, const std::atomic<bool>& stop) {
  app::EvalOptions& options = state.options;
  if (!state.compare.empty()) options.scores = state.compare;
  for (const std::string& score : options.scores) {
    const auto& known = distill::score_names();
    if (std::ranges::find(known, score) == known.end()) {
      throw UserError({.what_happened = fmt::format("no score '{}'; there are {}", score, fmt::join(known, ", ")),
                       .key = "--compare"});
    }
  }
  const auto refuse = [](const char* flag, const char* what) {
    throw UserError(UserMistake{.what_happened = what, .key = flag});
  };
  if (options.count < 1 || options.count > 10000) refuse("--count", "is not in [1, 10000]");
  if (options.seeds < 1 || options.seeds > 1000) refuse("--seeds", "is not in [1, 1000]");
  if (!(options.sds_steps >= 0.1 && options.sds_steps <= 100)) refuse("--sds-steps", "is not in [0.1, 100]");
  return app::evaluate(options, stop);
}

}  // namespace

Command add_eval(CLI::App& app) {
  CLI::App* command = app.add_subcommand("eval", "make the assets of many prompts and judge them");
  auto state = std::make_shared<EvalState>();
  app::EvalOptions& o = state->options;
  command->add_option("--out,-o", o.out, "folder of runs and report")->capture_default_str()->type_name("DIR");
  command->add_option("--preset", o.preset, "of `lucid generate`")->capture_default_str();
  command->add_option("--config", o.config, "YAML of options on top of the preset")->type_name("FILE");
  command->add_option("--prior", o.prior, "prior; the embedded one if not given")->type_name("DIR");
  command->add_option("--judge", o.judge, "judge; the embedded one if not given")->type_name("DIR");
  command->add_option("--corpus", o.corpus, "real pictures, for the distance to the nearest of them")->type_name("DIR");
  command->add_option("--clip", o.clip, "CLIP model (transformers' layout), as a second judge")->type_name("DIR");
  command->add_option("--prompts", o.prompts, "one a line, in place of the standard set")->type_name("FILE");
  command->add_option("--count", o.count, "prompts of the standard set")->capture_default_str();
  command->add_option("--seeds", o.seeds, "runs a prompt")->capture_default_str();
  command->add_option("--compare", state->compare, "two scores, paired: ism,sds")->delimiter(',')->expected(1, 2);
  command->add_option("--sds-steps", o.sds_steps, "steps of sds for one of ism: equal cost")->capture_default_str();
  command->add_option("--threads", o.threads, "CPU threads; 0 = all cores")->capture_default_str();
  command->add_flag("--list", o.list, "print the prompts, do nothing else");
  command->add_flag("--json", o.json, "print one JSON object a line");
  return {.app = command, .run = [state](const std::atomic<bool>& stop) { return run(*state, stop); }};
}

}  // namespace lucid::cli
