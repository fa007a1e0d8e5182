// SPDX-License-Identifier: Apache-2.0
// lucid prior judge: trains the independent judge of `lucid eval` and measures it on real renders.
#include <spdlog/spdlog.h>

#include <memory>
#include <optional>

#include "commands.h"
#include "lucid/app/threads.h"
#include "lucid/base/error.h"
#include "lucid/base/progress.h"
#include "lucid/eval/judge_report.h"
#include "lucid/eval/judge_training.h"
#include "lucid/tensor/device.h"

namespace lucid::cli {
namespace {

struct JudgeState {
  std::filesystem::path corpus, examine, out = "judge";
  eval::JudgeTraining training;
  int64_t threads = 0;
  std::string progress = "auto", device = "cpu";
};

eval::Judge trained(const JudgeState& state, const corpus::Corpus& corpus, const std::atomic<bool>& stop) {
  Progress progress(Progress::style_from_name(state.progress), "judge", state.training.steps);
  return eval::train_judge(
      corpus, state.training, [&](int64_t step, double loss) { progress.update(step, "loss", loss); }, stop);
}

int run(JudgeState state, const std::atomic<bool>& stop) {
  if (state.training.steps < 0 || state.training.batch < 2 || state.training.width < 1) {
    throw UserError(UserMistake{.what_happened = "steps must not be negative, width not below 1, batch not below 2",
                                .key = "--steps"});
  }
  app::set_threads(state.threads);
  state.training.device = tensor::device_from_name(state.device);
  const corpus::Corpus corpus(state.corpus);
  std::optional<corpus::Corpus> unknown;  // opened before the training: a mistake in its name is told at once
  if (!state.examine.empty()) unknown.emplace(state.examine);
  eval::Judge judge = state.training.steps > 0 ? trained(state, corpus, stop) : eval::load_judge(state.out);
  if (stop) {
    spdlog::info("stopped; nothing was written");
    return 130;
  }
  const eval::JudgeReport report = unknown ? eval::evaluate_judge(judge, *unknown, eval::every_view)
                                           : eval::evaluate_judge(judge, corpus, eval::is_held_out);
  eval::save_judge(state.out, judge, eval::to_json(report));
  spdlog::info(
      "{}: {} words, {} views that it did not learn from: word {:.3f} (in five {:.3f}), colour {:.3f}, side {:.3f}",
      state.out.string(), judge->config().words.size(), report.all.views, report.all.word, report.all.word_in_five,
      report.all.colour, report.all.sector);
  return 0;
}

}  // namespace

Command add_prior_judge(CLI::App& prior) {
  CLI::App* command = prior.add_subcommand("judge", "train the independent judge of `lucid eval`");
  auto state = std::make_shared<JudgeState>();
  command->add_option("--corpus", state->corpus, "pictures; of another seed than the prior's")
      ->required()
      ->type_name("DIR");
  command->add_option("--out,-o", state->out, "folder to write")->capture_default_str()->type_name("DIR");
  command
      ->add_option(
          "--examine", state->examine,
          "pictures to measure it on, of another seed; every tenth view of --corpus is held out for this otherwise")
      ->type_name("DIR");
  command->add_option("--steps", state->training.steps, "of training; 0 = measure the judge in --out anew")
      ->capture_default_str();
  command->add_option("--batch", state->training.batch, "pictures a step")->capture_default_str();
  command->add_option("--width", state->training.width, "channels of the first stage")->capture_default_str();
  command->add_option("--seed", state->training.seed, "every random draw follows from it")->capture_default_str();
  command->add_option("--device", state->device, "cpu or cuda, the first GPU")->capture_default_str();
  command->add_option("--threads", state->threads, "CPU threads; 0 = all cores")->capture_default_str();
  command->add_option("--progress", state->progress, "auto, bar, plain, json, off")->capture_default_str();
  return {.app = command, .run = [state](const std::atomic<bool>& stop) { return run(*state, stop); }};
}

}  // namespace lucid::cli
