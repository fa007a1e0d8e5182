// SPDX-License-Identifier: Apache-2.0
// `lucid prior train`: the stages in order, each resumed where it stopped, and the folder they write.
#pragma once

#include <filesystem>
#include <string>

#include "lucid/pretrain/stage.h"

namespace lucid::pretrain {

struct TrainOptions {
  std::filesystem::path corpus = {};
  std::string preset = "default";
  std::string stage = "all";                              // all, text, vae, unet
  int64_t text_steps = 0, vae_steps = 0, unet_steps = 0;  // 0 = the preset's
  int64_t batch = 0;                                      // of the U-Net; 0 = the preset's
  bool resume = false;
  std::string command = {};  // for the model card
  RunOptions run = {};       // corpus_key is set from the corpus
};

/// Writes run.folder: a diffusers folder, checkpoints/, progress/, cache/. False when stopped. A stage that is not
/// asked for must have been trained before.
bool train_prior(const TrainOptions& options);

}  // namespace lucid::pretrain
