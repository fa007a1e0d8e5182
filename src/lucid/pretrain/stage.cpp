// SPDX-License-Identifier: Apache-2.0
// The training loop, its learning rate schedule, its checkpoints and its log.
#include "lucid/pretrain/stage.h"

#include <chrono>
#include <cmath>
#include <fstream>

#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/tensor/device.h"
#include "lucid/weights/state_dict.h"

namespace lucid::pretrain {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

std::map<std::string, torch::Tensor> tensors_of(const TrainingState& training) {
  std::map<std::string, torch::Tensor> tensors = training.optimiser.state();
  for (const auto& item : training.module.named_parameters()) tensors["weight." + item.key()] = item.value().data();
  for (const auto& [name, tensor] : training.ema.weights()) tensors["ema." + name] = tensor;
  return tensors;
}

/// Exponential moving average of a stage's loss. On a GPU the losses are summed on the device and read every few steps,
/// because reading synchronises and leaves the GPU idle.
class LossMean {
 public:
  explicit LossMean(std::string stage) : stage_(std::move(stage)) {}
  void add(const torch::Tensor& loss) { unread_ = count_++ == 0 ? loss : unread_ + loss; }
  /// Adds the losses since the last read to the average. Throws UserError if their sum is not finite.
  void read(int64_t step) {
    constexpr double kForget = 0.05;  // weight of the newest loss
    if (count_ == 0) return;
    const double loss = unread_.item<double>() / static_cast<double>(count_);
    if (!std::isfinite(loss)) {
      throw UserError(UserMistake{.what_happened = fmt::format("the loss is {} at step {}", loss, step),
                                  .key = stage_,
                                  .hint = "resume from the last checkpoint with another seed"});
    }
    mean_ = any_ ? mean_ + (1 - std::pow(1 - kForget, static_cast<double>(count_))) * (loss - mean_) : loss;
    any_ = true;
    count_ = 0;
  }
  bool any() const { return any_; }  // whether a loss has been read
  double mean() const { return mean_; }

 private:
  std::string stage_;
  torch::Tensor unread_;  // sum of the losses since the last read
  int64_t count_ = 0;
  double mean_ = 0;
  bool any_ = false;
};

}  // namespace

void TrainingState::save(const std::filesystem::path& file, const std::string& key) const {
  weights::write_safetensors(file, tensors_of(*this), {{"key", key}, {"step", std::to_string(step)}});
}

void TrainingState::load(const std::filesystem::path& file, const std::string& key) {
  const torch::NoGradGuard no_grad;
  const weights::StateDict state = weights::read_safetensors(file);
  const auto refuse = [&](const std::string& what, const std::string& at) {
    throw UserError(
        UserMistake{.what_happened = what,
                    .file = file.string(),
                    .key = at,
                    .hint = "train into another folder, or resume with the options of the run that wrote it"});
  };
  const auto said = [&](const std::string& name) {
    const auto found = state.metadata.find(name);
    return found == state.metadata.end() ? std::string() : found->second;
  };
  if (said("key") != key) refuse(fmt::format("belongs to another run: {} instead of {}", said("key"), key), "key");
  for (auto& [name, tensor] : tensors_of(*this)) {
    const auto found = state.tensors.find(name);
    if (found == state.tensors.end() || found->second.sizes() != tensor.sizes()) refuse("lacks a tensor", name);
    torch::Tensor target = tensor;
    target.copy_(found->second);
  }
  try {
    step = std::stoll(said("step"));
  } catch (const std::logic_error&) {
    refuse("has no step", "step");
  }
}

void refuse_second_run(const std::filesystem::path& folder) {
  if (!std::filesystem::exists(folder / "checkpoints")) return;
  throw UserError(UserMistake{
      .what_happened = "holds a training run already", .file = folder.string(), .hint = "--resume goes on with it"});
}

void RunOptions::log(const nlohmann::ordered_json& line) const {
  make_folder(folder / "progress");
  std::ofstream(folder / "progress" / "log.jsonl", std::ios::app) << line.dump() << "\n";
}

double rate_factor(int64_t step, const StageSizes& sizes) {
  constexpr double kLast = 0.05;
  int64_t steps = sizes.steps;
  for (const int64_t rest : sizes.rests) {
    if (rest > step) steps = std::min(steps, rest);
  }
  const double warm_up = std::min(100.0, static_cast<double>(steps) / 10);
  const double start = std::min(1.0, static_cast<double>(step + 1) / std::max(1.0, warm_up));
  const double left = static_cast<double>(steps - step) / (0.25 * static_cast<double>(steps));
  return start * std::clamp(left, kLast, 1.0);
}

std::string stage_key(const Stage& stage, const RunOptions& options) {
  return fmt::format("{} seed {} batch {} threads {} rate {} bf16 {} corpus {}{}", stage.name, options.seed,
                     stage.sizes.batch, options.threads, stage.sizes.optimiser.rate, options.low_precision,
                     options.corpus_key,
                     options.device.is_cpu() ? "" : " device " + tensor::device_name(options.device));
}

bool run_stage(const Stage& stage, TrainingState& training, const RunOptions& options) {
  constexpr int64_t kLogEvery = 20;
  const std::string key = stage_key(stage, options);
  const std::filesystem::path checkpoint = options.checkpoint(stage.name);
  if (std::filesystem::exists(checkpoint)) training.load(checkpoint, key);
  const auto save = [&] {
    training.save(checkpoint, key);
    if (stage.saved) stage.saved();
  };
  const int64_t steps = stage.sizes.steps;
  const tensor::Workers workers = options.workers();
  LossMean losses(stage.name);
  Progress progress(options.progress, stage.name, steps, training.step);
  const auto begin = Clock::now();
  auto last_save = begin, last_measure = begin;
  while (training.step < steps) {
    losses.add(stage.gradients(training.step));
    if (options.device.is_cpu()) losses.read(training.step);  // throws before a NaN reaches the weights
    const torch::Tensor norm = training.optimiser.step(training.step, rate_factor(training.step, stage.sizes), workers);
    training.ema.update(training.module, training.step);
    ++training.step;
    const bool last = training.step == steps, stopped = options.stop != nullptr && options.stop->load();
    const bool logs = training.step % kLogEvery == 0 || last;
    const bool measures = !stopped && stage.measure && (last || seconds_since(last_measure) > options.measure_seconds);
    const bool saves = last || stopped || seconds_since(last_save) > options.save_seconds;
    if (logs || measures || saves || !losses.any()) losses.read(training.step - 1);
    progress.update(training.step, "loss", losses.mean());
    if (logs) {
      options.log({{"stage", stage.name},
                   {"step", training.step},
                   {"seconds", seconds_since(begin)},
                   {"loss", losses.mean()},
                   {"gradient", norm.item<double>()}});
    }
    if (measures) {
      nlohmann::ordered_json line = {{"stage", stage.name}, {"step", training.step}, {"seconds", seconds_since(begin)}};
      line.update(stage.measure(training.step));
      options.log(line);
      last_measure = Clock::now();
    }
    if (saves) {
      save();
      last_save = Clock::now();
    }
    if (stopped && !last) return false;
  }
  return true;
}

}  // namespace lucid::pretrain
