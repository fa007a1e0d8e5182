// SPDX-License-Identifier: Apache-2.0
// How far the judge can be believed: accuracies on real renders that it did not learn from, word by word.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "lucid/corpus/shards.h"
#include "lucid/eval/judge.h"
#include "lucid/eval/judge_pictures.h"

namespace lucid::eval {

/// Of views, 0..1. Colour counts where the item has one; a sector is right if it is the true one or a
/// neighbour.
struct Accuracy {
  double word = 0, word_in_five = 0, colour = 0, sector = 0;
  /// Of the views within 45 degrees of straight front or straight back: told apart. The measure of whether a word's
  /// objects have a front at all that can be seen.
  double front_back = 0;
  int64_t views = 0;
};

/// What real renders of a word's objects look like in numbers (metrics.h), of their own colours, at the corpus's size.
struct RenderStatistics {
  double sharpness = 0, saturation = 0;
};

struct JudgeReport {
  Accuracy all;
  std::map<std::string, Accuracy> by_word;
  std::map<std::string, RenderStatistics> real_renders;
};

/// On the views of each item for which `keep` holds: is_held_out for the corpus that the judge was trained on,
/// every_view for one of another seed.
JudgeReport evaluate_judge(Judge& judge, const corpus::Corpus& corpus, const ViewFilter& keep);

/// As stored in judge.json under "report". The reader throws UserError.
std::string to_json(const JudgeReport& report);
JudgeReport read_judge_report(const std::filesystem::path& judge_folder);

}  // namespace lucid::eval
