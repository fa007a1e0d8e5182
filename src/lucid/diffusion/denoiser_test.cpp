// SPDX-License-Identifier: Apache-2.0
// UNetDenoiser against the U-Net itself: workers, cached prompts, gradients, bfloat16, reference operators.
#include "lucid/diffusion/denoiser.h"

#include <gtest/gtest.h>

#include "lucid/diffusion/golden_test.h"
#include "lucid/tensor/reference_ops.h"

namespace lucid::diffusion {
namespace {

struct Batch {
  torch::Tensor x, timesteps, context;
};

Batch random_batch(UNet& unet, int64_t count) {
  torch::manual_seed(5);
  return {.x = torch::randn({count, unet->config().in_channels, 8, 8}),
          .timesteps = torch::randint(0, 1000, {count}, torch::kLong),
          .context = torch::randn({count, 7, unet->config().cross_attention_dim})};
}

TEST(Denoiser, WorkersGiveTheWholeBatch) {
  const torch::NoGradGuard no_grad;
  UNet unet = load_unet(test::sd_folder() / test::pipelines().front() / "unet");
  const Batch batch = random_batch(unet, 5);
  const torch::Tensor whole = UNetDenoiser(unet).predict(batch.x, batch.timesteps, batch.context);
  for (const int64_t workers : {2, 3, 5, 6}) {
    const torch::Tensor shared =
        UNetDenoiser(unet, {.workers = workers}).predict(batch.x, batch.timesteps, batch.context);
    EXPECT_LT(tensor::relative_max_error(shared, whole), 1e-5) << workers;
  }
}

TEST(Denoiser, CachedPromptsGiveTheSameAsMixedEmbeddings) {
  const torch::NoGradGuard no_grad;
  UNet unet = load_unet(test::sd_folder() / test::pipelines().front() / "unet");
  const Batch batch = random_batch(unet, 5);
  const torch::Tensor prompts = torch::randn({4, 7, unet->config().cross_attention_dim}), other = prompts + 1;
  torch::Tensor one_prompt = torch::zeros({5, 4}), mixed = torch::eye(5).slice(1, 0, 4).contiguous();
  one_prompt.select(1, 2).fill_(1);
  mixed[4] = torch::tensor({0.25F, 0.0F, 0.5F, 0.25F});
  for (const int64_t workers : {1, 2}) {
    UNetDenoiser denoiser(unet, {.workers = workers});
    for (const torch::Tensor& weights : {one_prompt, mixed, torch::full({5, 4}, 0.25F)}) {
      for (const torch::Tensor& table : {prompts, other}) {  // alternates, so that each call replaces the cache
        const nn::PromptMix mix(table, weights);
        const torch::Tensor embeddings = torch::matmul(weights, table.flatten(1)).view({5, 7, -1});
        EXPECT_LT(tensor::relative_max_error(mix.embeddings(), embeddings), 1e-6);
        EXPECT_LT(tensor::relative_max_error(denoiser.predict(batch.x, batch.timesteps, mix),
                                             unet->forward(batch.x, batch.timesteps, embeddings)),
                  1e-5);
      }
    }
  }
}

TEST(Denoiser, GradientsReachTheLatents) {
  UNet unet = load_unet(test::sd_folder() / test::pipelines().front() / "unet");
  const Batch batch = random_batch(unet, 4);
  const torch::Tensor x = batch.x.clone().requires_grad_();
  UNetDenoiser(unet, {.workers = 2}).predict(x, batch.timesteps, batch.context).square().sum().backward();
  EXPECT_GT(x.grad().abs().min().item<double>(), 0);
}

TEST(Denoiser, Bfloat16IsCloseToFloat) {
  const torch::NoGradGuard no_grad;
  for (const std::string& pipeline : test::pipelines()) {
    UNet unet = load_unet(test::sd_folder() / pipeline / "unet");
    const Batch batch = random_batch(unet, 4);
    const torch::Tensor exact = UNetDenoiser(unet).predict(batch.x, batch.timesteps, batch.context);
    UNetDenoiser low(unet, {.dtype = torch::kBFloat16, .workers = 2});
    const torch::Tensor found = low.predict(batch.x, batch.timesteps, batch.context);
    EXPECT_EQ(found.scalar_type(), torch::kFloat);
    const double error = ((found - exact).norm() / exact.norm()).item<double>();
    std::printf("  %s in bfloat16: relative error %.2e\n", pipeline.c_str(), error);
    EXPECT_LT(error, 0.03);  // libtorch's autocast is no closer
    EXPECT_GT(error, 0) << "no rounding to bfloat16";
    EXPECT_EQ(unet->parameters().front().scalar_type(), torch::kFloat) << "the caller's weights must not change";
  }
}

TEST(Denoiser, LoadingInBfloat16EqualsConverting) {
  const torch::NoGradGuard no_grad;
  for (const std::string& pipeline : test::pipelines()) {
    const auto folder = test::sd_folder() / pipeline / "unet";
    UNet unet = load_unet(folder), low = load_unet(folder, torch::kBFloat16);
    const Batch batch = random_batch(unet, 2);
    UNetDenoiser converted(unet, {.dtype = torch::kBFloat16}), loaded(low, {.dtype = torch::kBFloat16});
    EXPECT_TRUE(converted.predict(batch.x, batch.timesteps, batch.context)
                    .equal(loaded.predict(batch.x, batch.timesteps, batch.context)));
  }
}

TEST(Denoiser, ReferenceOpsAgreeWithKernels) {
  const torch::NoGradGuard no_grad;
  for (const auto& [precision, limit] : {std::pair(torch::kFloat, 1e-5), std::pair(torch::kBFloat16, 0.03)}) {
    UNet unet = load_unet(test::sd_folder() / test::pipelines().front() / "unet", precision);
    const Batch batch = random_batch(unet, 2);
    UNetDenoiser denoiser(unet);
    const torch::Tensor fast = denoiser.predict(batch.x, batch.timesteps, batch.context);
    const tensor::ReferenceOpsGuard reference;
    const torch::Tensor slow = denoiser.predict(batch.x, batch.timesteps, batch.context);
    const double error = ((fast - slow).norm() / slow.norm()).item<double>();
    EXPECT_LT(error, limit);
    EXPECT_GT(error, 0) << "both ran the same operators";
  }
}

}  // namespace
}  // namespace lucid::diffusion
