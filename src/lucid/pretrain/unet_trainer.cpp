// SPDX-License-Identifier: Apache-2.0
// Loss and training of the U-Net.
#include "lucid/pretrain/unet_trainer.h"

#include <algorithm>
#include <cmath>

#include "lucid/nn/layout.h"
#include "lucid/pretrain/low_precision.h"
#include "lucid/pretrain/replicas.h"
#include "lucid/pretrain/unet_measure.h"
#include "lucid/tensor/device.h"
#include "lucid/tensor/randn.h"

namespace lucid::pretrain {

double loss_weight(double alpha_bar) { return std::sqrt((1 - alpha_bar) / alpha_bar); }

NoisyBatch add_noise(const diffusion::Schedule& schedule, const torch::Tensor& latents, Rng rng) {
  const torch::Device device = latents.device();
  const torch::Tensor noise = tensor::randn(rng, latents.sizes(), device);
  std::vector<int64_t> timesteps;
  std::vector<float> weights;
  for (int64_t i = 0; i < latents.size(0); ++i) {
    timesteps.push_back(rng.integer(0, schedule.config().num_train_timesteps));
    weights.push_back(static_cast<float>(loss_weight(schedule.alpha_bar(timesteps.back()))));
  }
  return {.x = add_noise_at(schedule, latents, noise, timesteps),
          .noise = noise,
          .timesteps = tensor::to_device(timesteps, device),
          .weights = tensor::to_device(weights, device)};
}

bool train_unet(diffusion::UNet& unet, const StageSizes& sizes, const UNetData& data, const RunOptions& options,
                const std::function<void(const std::map<std::string, torch::Tensor>& averaged)>& saved) {
  unet->to(options.device);
  nn::make_weights_channels_last(*unet);
  auto replicas = make_replicas(unet, options.threads);
  TrainingState training(*unet, sizes);
  diffusion::UNet averaged(unet->config());
  averaged->to(options.device);
  nn::make_weights_channels_last(*averaged);
  const diffusion::Schedule schedule(noise_schedule());
  const tensor::Workers workers = options.workers();
  UNetMeasure measure(data, options);

  Stage stage{.name = "unet", .sizes = sizes};
  stage.gradients = [&](int64_t step) {
    const auto rows =
        draw_rows(data.corpus, data.split, Rng(options.seed, "unet rows", static_cast<uint64_t>(step)), sizes.batch);
    std::vector<Prompt> prompts;
    for (const Row& row : rows) prompts.push_back(prompt_of(row, data.latents));
    const torch::Tensor context = data.embeddings.of(prompts);
    const NoisyBatch batch =
        add_noise(schedule, data.latents.of(rows), Rng(options.seed, "unet noise", static_cast<uint64_t>(step)));
    return parallel_backward(workers, replicas, sizes.batch, [&](diffusion::UNet& replica, const tensor::Share& share) {
      const auto mine = [&](const torch::Tensor& x) { return x.slice(0, share.begin, share.end); };
      torch::Tensor predicted;
      {
        const LowPrecision low(options.low_precision, options.device.type());
        predicted = replica->forward(mine(batch.x), mine(batch.timesteps), mine(context));
      }
      const torch::Tensor error = (predicted.to(torch::kFloat) - mine(batch.noise)).square().mean({1, 2, 3});
      return (error * mine(batch.weights)).sum() / static_cast<double>(sizes.batch);
    });
  };
  stage.measure = [&](int64_t step) {
    training.ema.copy_to(*averaged);
    return measure.measure(averaged, step);
  };
  if (saved) stage.saved = [&] { saved(training.ema.weights()); };
  const bool finished = run_stage(stage, training, options);
  training.ema.copy_to(*unet);
  return finished;
}

}  // namespace lucid::pretrain
