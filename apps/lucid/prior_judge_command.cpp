// SPDX-License-Identifier: Apache-2.0
// lucid prior judge: trains the independent judge of `lucid eval` and measures it on real renders.
#include <spdlog/spdlog.h>

#include <optional>

#include "commands.h"
#include "lucid/app/threads.h"
#include "lucid/base/progress.h"
#include "lucid/eval/judge_report.h"
#include "lucid/eval/judge_training.h"
#include "lucid/eval/real_close_up.h"
#include "lucid/tensor/device.h"

namespace lucid::cli {
namespace {

eval::Judge trained(const JudgeRequest& request, const corpus::Corpus& corpus, const std::atomic<bool>& stop) {
  Progress progress(Progress::style_from_name(request.progress), "judge", request.training.steps);
  return eval::train_judge(
      corpus, request.training, [&](int64_t step, double loss) { progress.update(step, "loss", loss); }, stop);
}

int measure_close_ups(const JudgeRequest& request, const std::atomic<bool>& stop) {
  corpus::BuildOptions models = request.models;
  models.table = app::data_folder() / "models/corpus/sweethome3d.tsv";
  models.progress = Progress::style_from_name(request.progress);
  const eval::RealCloseUps real = eval::measure_real_renders(models, stop);
  if (stop) {
    spdlog::info("stopped; nothing was written");
    return 130;
  }
  eval::save_real_close_ups(request.out, real);
  spdlog::info("{}: {} words", (request.out / eval::kRealCloseUpFile).string(), real.size());
  return 0;
}

}  // namespace

int run_prior_judge(const JudgeRequest& request, const std::atomic<bool>& stop) {
  app::set_threads(request.threads);
  if (request.close_up) return measure_close_ups(request, stop);
  tensor::make_current(tensor::device_from_name(request.training.device));  // tells a mistake before the corpus is read
  const corpus::Corpus corpus(request.corpus);
  std::optional<corpus::Corpus> unknown;  // opened before the training: a mistake in its name is told at once
  if (!request.examine.empty()) unknown.emplace(request.examine);
  eval::Judge judge = request.training.steps > 0 ? trained(request, corpus, stop) : eval::load_judge(request.out);
  if (stop) {
    spdlog::info("stopped; nothing was written");
    return 130;
  }
  const eval::JudgeReport report = unknown ? eval::evaluate_judge(judge, *unknown, eval::every_view)
                                           : eval::evaluate_judge(judge, corpus, eval::is_held_out);
  eval::save_judge(request.out, judge, eval::to_json(report));
  spdlog::info(
      "{}: {} words, {} views that it did not learn from: word {:.3f} (in five {:.3f}), colour {:.3f}, side {:.3f}",
      request.out.string(), judge->config().words.size(), report.all.views, report.all.word, report.all.word_in_five,
      report.all.colour, report.all.sector);
  return 0;
}

}  // namespace lucid::cli
