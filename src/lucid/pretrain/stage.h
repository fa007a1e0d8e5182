// SPDX-License-Identifier: Apache-2.0
// The loop that all three stages share: learning rate, checkpoints, held-out numbers, log, progress, stop.
#pragma once

#include <torch/torch.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "lucid/base/progress.h"
#include "lucid/pretrain/ema.h"
#include "lucid/pretrain/optimiser.h"
#include "lucid/pretrain/sizes.h"

namespace lucid::pretrain {

/// A network that learns, with everything a resumed run needs. Randomness needs no state (base/rng.h).
struct TrainingState {
  TrainingState(torch::nn::Module& network, const StageSizes& sizes)
      : module(network), optimiser(network, sizes.optimiser), ema(network, sizes.ema_decay) {}
  torch::nn::Module& module;
  Optimiser optimiser;
  Ema ema;
  int64_t step = 0;  // done so far

  /// One safetensors file, atomically. `key` names what the run is a function of.
  void save(const std::filesystem::path& file, const std::string& key) const;
  /// Throws UserError when the file is damaged or belongs to a run with another key.
  void load(const std::filesystem::path& file, const std::string& key);
};

/// Where a training run writes, how often, and what stops it.
struct RunOptions {
  std::filesystem::path folder = {};
  uint64_t seed = 0;
  int64_t threads = 1;
  torch::Device device = torch::kCPU;  // of every tensor that meets a network; a GPU has one of the `threads`
  bool low_precision = false;
  double save_seconds = 300, measure_seconds = 600;
  Progress::Style progress = Progress::Style::kOff;
  const std::atomic<bool>* stop = nullptr;
  std::string corpus_key = {};  // names the pictures

  std::filesystem::path checkpoint(const std::string& stage) const {
    return folder / "checkpoints" / (stage + ".safetensors");
  }
  tensor::Workers workers() const { return tensor::Workers(threads, device); }
  /// Appends a line to progress/log.jsonl.
  void log(const nlohmann::ordered_json& line) const;
};

struct Stage {
  std::string name = {};
  StageSizes sizes = {};
  std::function<torch::Tensor(int64_t step)> gradients = nullptr;  // loss []; leaves the gradients in the network
  std::function<nlohmann::ordered_json(int64_t step)> measure = nullptr;  // held-out numbers of the EMA weights, sheets
  std::function<void()> saved = nullptr;                                  // after each checkpoint; may be null
};

/// Constant after a short warm-up, then down to a twentieth over the last quarter of the steps until the next rest, as
/// if the run ended there.
double rate_factor(int64_t step, const StageSizes& sizes);

/// Trains to sizes.steps, from the stage's checkpoint if there is one; false when it was stopped (a checkpoint was
/// saved then too).
bool run_stage(const Stage& stage, TrainingState& training, const RunOptions& options);

/// What a stage's result is a function of, apart from its number of steps.
std::string stage_key(const Stage& stage, const RunOptions& options);

}  // namespace lucid::pretrain
