// SPDX-License-Identifier: Apache-2.0
// Early signs that a run will come to nothing: Gaussians that explode, vanish or turn into haze; a score of 0.
#pragma once

#include <string>
#include <vector>

#include "lucid/train/step.h"

namespace lucid::train {

enum class Ailment { kExploding, kVanishing, kHaze, kNoScore };

/// Looks at a model now and then, and says each ailment once, when two looks in a row found it.
class Health {
 public:
  /// What is to be said after this step: sentences, mostly none.
  std::vector<std::string> look(const Model& model, const StepReport& report, const TrainOptions& options);

 private:
  struct Found {
    bool before = false, said = false;
  };
  Found found_[4];
};

/// How ill a model is, without regard to what was said before: a sentence, or nothing.
std::string sign_of(Ailment ailment, const Model& model, const StepReport& report, double extent);

}  // namespace lucid::train
