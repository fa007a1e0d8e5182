// SPDX-License-Identifier: Apache-2.0
// Trains the judge on a corpus of its own (another seed: other views, light and colourings than the prior's) and
// measures how far it can be believed: accuracies on held-out views of real renders, word by word.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <string>

#include "lucid/corpus/shards.h"
#include "lucid/eval/judge.h"

namespace lucid::eval {

struct JudgeTraining {
  int64_t steps = 3000, batch = 64;
  double learning_rate = 2e-3;  // at its peak; one cycle of AdamW
  int64_t seed = 0;
  int64_t width = JudgeConfig{}.width;
};

/// Of held-out views, 0..1. Colour counts where the item has one; a sector is right if it is the true one or a
/// neighbour.
struct Accuracy {
  double word = 0, word_in_five = 0, colour = 0, sector = 0;
  /// Of the views within 45 degrees of straight front or straight back: told apart. The measure of whether a word's
  /// objects have a front at all that can be seen.
  double front_back = 0;
  int64_t views = 0;
};

/// What real renders of a word's objects look like in numbers (metrics.h), of their own colours, at the corpus's size.
struct RealLook {
  double sharpness = 0, saturation = 0;
};

struct JudgeReport {
  Accuracy all;
  std::map<std::string, Accuracy> by_word;
  std::map<std::string, RealLook> looks;
};

/// Every tenth view of each item is held out from the judge's training and is what the report is measured on.
bool is_held_out(int64_t view_of_item);

/// `on_step(step, loss)` after each step; stops early (and still returns the judge so far) when `stop` is set.
Judge train_judge(const corpus::Corpus& corpus, const JudgeTraining& options,
                  const std::function<void(int64_t, double)>& on_step, const std::atomic<bool>& stop);
JudgeReport examine_judge(Judge& judge, const corpus::Corpus& corpus);

/// As stored in judge.json under "report". The reader throws UserError.
std::string to_json(const JudgeReport& report);
JudgeReport read_judge_report(const std::filesystem::path& judge_folder);

}  // namespace lucid::eval
