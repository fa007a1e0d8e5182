// SPDX-License-Identifier: Apache-2.0
// Accuracy of the judge on held-out renders of the corpus, in total and per word.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "lucid/corpus/shards.h"
#include "lucid/eval/judge.h"
#include "lucid/eval/judge_pictures.h"

namespace lucid::eval {

/// Shares of the views, 0..1. `colour` is of views whose item has a dominant colour. A sector counts as right if it is
/// the true one or a neighbour.
struct Accuracy {
  double word = 0, word_in_five = 0, colour = 0, sector = 0;  // top-1, top-5, top-1, within one sector
  /// Share of the views within 45 degrees of front or back that are not confused. Low for words whose objects have no
  /// visible front.
  double front_back = 0;
  int64_t views = 0;
};

/// Means of the metrics (metrics.h) over real renders of a word's objects, in their own colours, at the corpus's size.
struct RenderStatistics {
  double sharpness = 0, saturation = 0;
};

struct JudgeReport {
  Accuracy all;
  std::map<std::string, Accuracy> by_word;
  std::map<std::string, RenderStatistics> real_renders;
};

/// Evaluates the judge on the views for which `keep` is true: is_held_out for the corpus that it was trained on,
/// every_view for another one. Throws UserError.
JudgeReport evaluate_judge(Judge& judge, const corpus::Corpus& corpus, const ViewFilter& keep);

/// JSON of the report, as in judge.json under "report". The reader throws UserError.
std::string to_json(const JudgeReport& report);
JudgeReport read_judge_report(const std::filesystem::path& judge_folder);

}  // namespace lucid::eval
