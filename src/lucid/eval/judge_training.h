// SPDX-License-Identifier: Apache-2.0
// Trains the judge on a corpus of its own: another seed, so other views, light and colourings than the prior's.
#pragma once

#include <atomic>
#include <functional>

#include "lucid/corpus/shards.h"
#include "lucid/eval/judge.h"

namespace lucid::eval {

struct JudgeTraining {
  int64_t steps = 6000, batch = 64;
  double learning_rate = 2e-3;  // at its peak; one cycle of AdamW
  int64_t seed = 0;
  int64_t width = JudgeConfig{}.width;
  torch::Device device = torch::kCPU;
};

/// The judge, on the CPU. `on_step(step, loss)` after each step, on a GPU after some; stops early (and still returns
/// the judge so far) when `stop` is set.
Judge train_judge(const corpus::Corpus& corpus, const JudgeTraining& options,
                  const std::function<void(int64_t, double)>& on_step, const std::atomic<bool>& stop);

}  // namespace lucid::eval
