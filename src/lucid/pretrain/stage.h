// SPDX-License-Identifier: Apache-2.0
// Training loop of all three stages (text encoder, VAE, U-Net): learning rate schedule, checkpoints, held-out metrics,
// log, progress, stop.
#pragma once

#include <torch/torch.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "lucid/base/progress.h"
#include "lucid/pretrain/optimiser/ema.h"
#include "lucid/pretrain/optimiser/optimiser.h"
#include "lucid/pretrain/options.h"
#include "lucid/pretrain/sizes.h"

namespace lucid::pretrain {

/// State of a training run: network, optimiser, EMA weights and step. Random streams have no state (base/rng.h).
struct TrainingState {
  TrainingState(torch::nn::Module& network, const StageSizes& sizes)
      : module(network), optimiser(network, sizes.optimiser), ema(network, sizes.ema_decay) {}
  torch::nn::Module& module;
  Optimiser optimiser;
  Ema ema;
  int64_t step = 0;  // steps done

  /// Writes one safetensors file, atomically. `key` identifies the run, see stage_key().
  void save(const std::filesystem::path& file, const std::string& key) const;
  /// Throws UserError if the file is damaged or has another key.
  void load(const std::filesystem::path& file, const std::string& key);
};

/// Settings of a training run that are the same for all stages.
struct RunOptions {
  std::filesystem::path folder = {};
  uint64_t seed = 0;
  int64_t threads = 1;
  torch::Device device = torch::kCPU;  // of networks and batches; with a GPU `threads` is 1
  bool low_precision = false;
  double save_seconds = TrainRequest{}.save_seconds, measure_seconds = TrainRequest{}.measure_seconds;
  Progress::Style progress = Progress::Style::kOff;
  const std::atomic<bool>* stop = nullptr;
  std::string corpus_key = {};  // hash of the corpus

  std::filesystem::path checkpoint(const std::string& stage) const {
    return folder / "checkpoints" / (stage + ".safetensors");
  }
  tensor::Workers workers() const { return tensor::Workers(threads, device); }
  /// Appends a line to progress/log.jsonl.
  void log(const nlohmann::ordered_json& line) const;
};

/// For a run that does not resume: throws UserError if the folder holds a training run already.
void refuse_second_run(const std::filesystem::path& folder);

struct Stage {
  std::string name = {};
  StageSizes sizes = {};
  std::function<torch::Tensor(int64_t step)> gradients = nullptr;  // forward and backward pass; returns the loss, []
  std::function<nlohmann::ordered_json(int64_t step)> measure = nullptr;  // held-out metrics of the EMA weights
  std::function<void()> saved = nullptr;                                  // called after each checkpoint; may be null
};

/// Learning rate schedule (warm-up, constant, decay): linear warm-up, constant, then linear decay to 0.05 over the last
/// quarter of the steps before the next of sizes.rests, or before the end.
double rate_factor(int64_t step, const StageSizes& sizes);

/// Trains to sizes.steps, from the stage's checkpoint if it exists. False if stopped; a checkpoint is saved then too.
/// Throws UserError: a checkpoint of another run, a loss that is not finite.
bool run_stage(const Stage& stage, TrainingState& training, const RunOptions& options);

/// Identifies all that a stage's result depends on, except the number of steps.
std::string stage_key(const Stage& stage, const RunOptions& options);

}  // namespace lucid::pretrain
