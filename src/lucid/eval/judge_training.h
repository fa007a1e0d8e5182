// SPDX-License-Identifier: Apache-2.0
// Training of the judge, on a corpus of another seed than the prior's: other views, lights and colourings.
#pragma once

#include <atomic>
#include <functional>

#include "lucid/corpus/shards.h"
#include "lucid/eval/judge.h"

namespace lucid::eval {

/// Trains a judge and returns it on the CPU, in evaluation mode. `on_step(step, loss)` is called after each step, on a
/// GPU every 20 steps. If `stop` is set, training ends early and the judge so far is returned. Throws UserError.
Judge train_judge(const corpus::Corpus& corpus, const JudgeTraining& options,
                  const std::function<void(int64_t, double)>& on_step, const std::atomic<bool>& stop);

}  // namespace lucid::eval
