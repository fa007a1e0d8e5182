// SPDX-License-Identifier: Apache-2.0
// `lucid prior train`: trains text encoder, VAE and U-Net in this order, resuming each stage, and writes a diffusers
// folder.
#pragma once

#include <filesystem>
#include <string>

#include "lucid/pretrain/stage.h"

namespace lucid::pretrain {

struct TrainOptions {
  std::filesystem::path corpus = {};
  /// A prior whose text encoder and VAE are kept and whose U-Net is trained further; "" = train all three from random
  /// weights. `preset` then gives the U-Net's batch and learning rate only.
  std::filesystem::path from = {};
  bool multi_view = TrainRequest{}.multi_view;  // the U-Net draws four views at once, from their cameras
  std::string preset = TrainRequest{}.preset;
  std::string stage = TrainRequest{}.stage;               // all, text, vae, unet
  int64_t text_steps = 0, vae_steps = 0, unet_steps = 0;  // 0 = the preset's
  int64_t batch = 0;                                      // of the U-Net; 0 = the preset's
  double unet_rate = TrainRequest{}.unet_rate;            // learning rate; 0 = the preset's, a fifth of it with `from`
  bool resume = false;
  std::string command = {};  // for the model card
  RunOptions run = {};       // corpus_key is set from the corpus
};

/// Writes run.folder: a diffusers folder with checkpoints/, progress/ and cache/. False if stopped. Throws UserError:
/// invalid options, a folder with another run, an earlier stage that has not been trained, a corpus with
/// other words than the tokenizer of options.from.
bool train_prior(const TrainOptions& options);

}  // namespace lucid::pretrain
