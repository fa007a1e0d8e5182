// SPDX-License-Identifier: Apache-2.0
// Loss and training of the U-Net.
#include "lucid/pretrain/unet_trainer.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "lucid/base/error.h"
#include "lucid/nn/layout.h"
#include "lucid/pretrain/low_precision.h"
#include "lucid/pretrain/multi_view/group_measure.h"
#include "lucid/pretrain/replicas.h"
#include "lucid/pretrain/unet_measure.h"
#include "lucid/tensor/device.h"
#include "lucid/tensor/randn.h"

namespace lucid::pretrain {

double loss_weight(double alpha_bar) { return std::sqrt((1 - alpha_bar) / alpha_bar); }

NoisyBatch add_noise(const diffusion::Schedule& schedule, const torch::Tensor& latents, Rng rng, int64_t together) {
  const torch::Device device = latents.device();
  const torch::Tensor noise = tensor::randn(rng, latents.sizes(), device);
  std::vector<int64_t> timesteps;
  std::vector<float> weights;
  for (int64_t i = 0; i < latents.size(0); ++i) {
    timesteps.push_back(i % together == 0 ? rng.integer(0, schedule.config().num_train_timesteps) : timesteps.back());
    weights.push_back(static_cast<float>(loss_weight(schedule.alpha_bar(timesteps.back()))));
  }
  return {.x = add_noise_at(schedule, latents, noise, timesteps),
          .noise = noise,
          .timesteps = tensor::to_device(timesteps, device),
          .weights = tensor::to_device(weights, device)};
}

namespace {

/// A step's input.
struct Batch {
  NoisyBatch noisy;
  torch::Tensor context;  // [n,L,D]
  torch::Tensor cameras;  // [n,16], or undefined
  int64_t views = 1;      // consecutive rows that are views of one object

  /// The share of its rows that counts `views` rows as one.
  Batch rows(const tensor::Share& share) const {
    const auto part = [&](const torch::Tensor& x) {
      return x.defined() ? x.slice(0, views * share.begin, views * share.end) : x;
    };
    return {.noisy = {.x = part(noisy.x),
                      .noise = part(noisy.noise),
                      .timesteps = part(noisy.timesteps),
                      .weights = part(noisy.weights)},
            .context = part(context),
            .cameras = part(cameras),
            .views = views};
  }
};

/// The batch of a step, a pure function of seed and step.
Batch draw_batch(const UNetData& data, const diffusion::Schedule& schedule, const diffusion::UNetConfig& unet,
                 uint64_t seed, int64_t step, int64_t size) {
  const auto stream = [&](const char* name) { return Rng(seed, name, static_cast<uint64_t>(step)); };
  const bool grouped = unet.is_multi_view() && !stream("unet plain steps").chance(kPlainSteps);
  Batch batch;
  batch.views = grouped ? unet.views : 1;
  const std::vector<Row> rows = grouped
                                    ? draw_groups(data.corpus, data.split, stream("unet groups"), size / batch.views)
                                    : draw_rows(data.corpus, data.split, stream("unet rows"), size);
  std::vector<Prompt> prompts;
  for (const Row& row : rows) prompts.push_back(prompt_of(row, data.latents));
  batch.context = data.embeddings.of(prompts);
  batch.noisy = add_noise(schedule, data.latents.of(rows), stream("unet noise"), batch.views);
  if (grouped) batch.cameras = data.latents.cameras_of(rows);
  return batch;
}

void check_groups(const UNetData& data, const diffusion::UNetConfig& unet, int64_t batch) {
  if (!unet.is_multi_view()) return;
  static_assert(corpus::kGroupViews == diffusion::kJointViews);
  if (data.split.groups_by_word.empty()) {
    throw UserError(UserMistake{.what_happened = "the corpus holds no group of views to train on",
                                .key = "--corpus",
                                .hint = "`lucid prior corpus --groups 16` renders some"});
  }
  if (batch % unet.views != 0) {
    throw UserError(
        UserMistake{.what_happened = fmt::format("{} is not a multiple of {}, the views of a group", batch, unet.views),
                    .key = "--batch"});
  }
}

}  // namespace

bool train_unet(diffusion::UNet& unet, const StageSizes& sizes, const UNetData& data, const RunOptions& options,
                const std::function<void(const std::map<std::string, torch::Tensor>& averaged)>& saved) {
  check_groups(data, unet->config(), sizes.batch);
  unet->to(options.device);
  nn::make_weights_channels_last(*unet);
  auto replicas = make_replicas(unet, options.threads);
  if (unet->config().is_multi_view()) {
    // The camera's embedding has no gradient in plain steps. It is 0 then in each of them, also in the first ones of a
    // resumed run.
    for (torch::Tensor& parameter : unet->parameters()) parameter.mutable_grad() = torch::zeros_like(parameter);
  }
  TrainingState training(*unet, sizes);
  diffusion::UNet averaged(unet->config());
  averaged->to(options.device);
  nn::make_weights_channels_last(*averaged);
  const diffusion::Schedule schedule(noise_schedule());
  const tensor::Workers workers = options.workers();
  UNetMeasure measure(data, options);
  std::optional<GroupMeasure> group_measure;
  if (unet->config().is_multi_view()) group_measure.emplace(data, options);

  Stage stage{.name = "unet", .sizes = sizes};
  stage.gradients = [&](int64_t step) {
    const Batch batch = draw_batch(data, schedule, unet->config(), options.seed, step, sizes.batch);
    const auto loss = [&](diffusion::UNet& replica, const tensor::Share& share) {
      const Batch mine = batch.rows(share);
      torch::Tensor predicted;
      {
        const LowPrecision low(options.low_precision, options.device.type());
        predicted = replica->forward(mine.noisy.x, mine.noisy.timesteps, mine.context,
                                     {.cameras = mine.cameras, .views = mine.views});
      }
      const torch::Tensor error = (predicted.to(torch::kFloat) - mine.noisy.noise).square().mean({1, 2, 3});
      return (error * mine.noisy.weights).sum() / static_cast<double>(sizes.batch);
    };
    return parallel_backward(workers, replicas, sizes.batch / batch.views, loss);
  };
  stage.measure = [&](int64_t step) {
    training.ema.copy_to(*averaged);
    nlohmann::ordered_json numbers = measure.measure(averaged, step);
    if (group_measure) numbers.update(group_measure->measure(averaged, step));
    return numbers;
  };
  if (saved) stage.saved = [&] { saved(training.ema.weights()); };
  const bool finished = run_stage(stage, training, options);
  training.ema.copy_to(*unet);
  return finished;
}

}  // namespace lucid::pretrain
