// SPDX-License-Identifier: Apache-2.0
// Training loop of the judge: AdamW with a one-cycle learning rate, cross-entropy of word, colour and sector.
#include "lucid/eval/judge_training.h"

#include <cmath>
#include <numbers>
#include <set>

#include "lucid/base/rng.h"
#include "lucid/eval/judge_pictures.h"
#include "lucid/tensor/device.h"

namespace lucid::eval {
namespace {

constexpr double kWarmUp = 0.1, kWeightDecay = 0.05, kLabelSmoothing = 0.05;

JudgeConfig config_of(const corpus::Corpus& corpus, int64_t width) {
  std::set<std::string> words, colours;
  for (const corpus::Item& item : corpus.items()) {
    words.insert(item.word);
    if (!item.colour.empty()) colours.insert(item.colour);
  }
  return {.words = {words.begin(), words.end()}, .colours = {colours.begin(), colours.end()}, .width = width};
}

torch::Tensor loss_of(const JudgeOutput& output, const JudgeBatch& batch) {
  namespace F = torch::nn::functional;
  const auto entropy = [&](const torch::Tensor& logits, const torch::Tensor& wanted) {
    if ((wanted == kIgnoreIndex).all().item<bool>()) return torch::zeros({}, logits.options());
    return F::cross_entropy(logits, tensor::to_device(wanted, logits.device()),
                            F::CrossEntropyFuncOptions().ignore_index(kIgnoreIndex).label_smoothing(kLabelSmoothing));
  };
  return entropy(output.word, batch.word) + 0.5 * entropy(output.colour, batch.colour) +
         entropy(output.sector_given_word(tensor::to_device(batch.word, output.sector.device())), batch.sector);
}

/// Learning rate factor at `progress` in 0..1: linear warm-up, cosine decay.
double rate_at(double progress) {
  return progress < kWarmUp ? progress / kWarmUp
                            : 0.5 * (1 + std::cos(std::numbers::pi * (progress - kWarmUp) / (1 - kWarmUp)));
}

}  // namespace

Judge train_judge(const corpus::Corpus& corpus, const JudgeTraining& options,
                  const std::function<void(int64_t, double)>& on_step, const std::atomic<bool>& stop) {
  const torch::Device device = tensor::device_from_name(options.device);
  torch::manual_seed(options.seed);  // the layers' initial weights
  Judge judge(config_of(corpus, options.width));
  judge->to(device);
  JudgePictures pictures = load_pictures(corpus, judge->config(), [](int64_t i) { return !is_held_out(i); });
  pictures.rgb = pictures.rgb.to(device);
  // Reading a loss synchronises with the device.
  const int64_t read_every = device.is_cpu() ? 1 : 20;
  const int64_t count = pictures.rgb.size(0);
  torch::optim::AdamW optimizer(judge->parameters(), torch::optim::AdamWOptions(0).weight_decay(kWeightDecay));
  judge->train();
  for (int64_t step = 1; step <= options.steps && !stop; ++step) {
    Rng rng(static_cast<uint64_t>(options.seed), "judge", static_cast<uint64_t>(step));
    std::vector<int64_t> rows;
    for (int64_t i = 0; i < options.batch; ++i) rows.push_back(rng.integer(0, count));
    const JudgeBatch batch = draw_batch(pictures, torch::tensor(rows, torch::kLong), rng);
    const double progress = static_cast<double>(step) / static_cast<double>(options.steps);
    for (auto& group : optimizer.param_groups()) {
      static_cast<torch::optim::AdamWOptions&>(group.options()).lr(options.learning_rate * rate_at(progress));
    }
    optimizer.zero_grad();
    const torch::Tensor loss = loss_of(judge->forward(batch.rgb), batch);
    loss.backward();
    optimizer.step();
    if (step % read_every == 0 || step == options.steps) on_step(step, loss.item<double>());
  }
  judge->to(torch::kCPU);
  judge->eval();
  return judge;
}

}  // namespace lucid::eval
