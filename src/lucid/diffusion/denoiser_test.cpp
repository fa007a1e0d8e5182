// SPDX-License-Identifier: Apache-2.0
// UNetDenoiser against the U-Net itself: workers, cached prompts, gradients, bfloat16, reference operators; U-Nets that
// draw several views at once.
#include "lucid/diffusion/denoiser.h"

#include <gtest/gtest.h>

#include "lucid/diffusion/golden_test.h"
#include "lucid/tensor/reference_ops.h"
#include "lucid/tensor/relative_error.h"

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

TEST(Denoiser, RowsInPartsGiveTheWholeBatch) {
  const torch::NoGradGuard no_grad;
  UNet unet = load_unet(test::sd_folder() / test::pipelines().front() / "unet");
  const Batch batch = random_batch(unet, 8);
  for (const auto& [precision, limit] : {std::pair(torch::kFloat, 1e-5), {torch::kBFloat16, 1e-2}}) {
    for (const int64_t workers : {1, 2}) {
      const auto predict = [&, type = precision](int64_t rows) {
        UNetDenoiser denoiser(unet, {.dtype = type, .workers = workers, .rows_at_once = rows});
        return denoiser.predict(batch.x, batch.timesteps, batch.context);
      };
      const torch::Tensor whole = predict(0);
      EXPECT_TRUE(predict(8).equal(whole));
      for (const int64_t rows : {1, 2, 3, 7})
        EXPECT_LT(tensor::relative_max_error(predict(rows), whole), limit) << rows;
    }
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

using tensor::relative_error;
using torch::Tensor;

UNet random_joint_unet() {
  torch::manual_seed(3);
  UNetConfig config;
  config.block_out_channels = {32, 64};
  config.heads_per_block = {2, 4};
  config.down_block_types = {"CrossAttnDownBlock2D", "DownBlock2D"};
  config.up_block_types = {"UpBlock2D", "CrossAttnUpBlock2D"};
  config.layers_per_block = 1;
  config.cross_attention_dim = 16;
  config.use_linear_projection = true;
  config.camera_dim = kCameraNumbers;
  config.views = kJointViews;
  UNet unet(config);
  for (Tensor& parameter : unet->parameters()) parameter.set_requires_grad(false);
  return unet;
}

struct JointBatch {
  Tensor x = torch::randn({8, 4, 8, 8}), cameras = torch::randn({8, 16}), context = torch::randn({8, 5, 16}),
         timesteps = torch::full({8}, 400, torch::kLong);
};

TEST(JointViews, SeeEachOtherAndNoOtherObject) {
  const torch::NoGradGuard no_grad;
  UNet unet = random_joint_unet();
  const JointBatch batch;
  const auto forward = [&](const Tensor& x, int64_t views) {
    return unet->forward(x, batch.timesteps, batch.context, {.cameras = batch.cameras, .views = views});
  };
  Tensor changed = batch.x.clone();
  changed[1] += 1;  // the second view of the first object
  for (const int64_t views : {4, 1}) {
    const Tensor difference = (forward(changed, views) - forward(batch.x, views)).abs().amax({1, 2, 3});
    for (int64_t row = 0; row < 8; ++row) {
      const bool sees_it = row == 1 || (views == 4 && row < 4);
      EXPECT_EQ(difference[row].item<double>() > 1e-4, sees_it) << row << " of groups of " << views;
    }
  }
}

TEST(JointViews, ThatAreEqualGiveWhatOneGives) {
  const torch::NoGradGuard no_grad;
  UNet unet = random_joint_unet();
  const JointBatch batch;
  const auto row = [](const Tensor& x) { return x.slice(0, 0, 1); };
  const auto four = [](const Tensor& x) { return x.slice(0, 0, 1).expand({4, -1, -1, -1}).contiguous(); };
  const Tensor one = unet->forward(row(batch.x), row(batch.timesteps), row(batch.context),
                                   {.cameras = row(batch.cameras), .views = 1});
  const Tensor joint =
      unet->forward(four(batch.x), batch.timesteps.slice(0, 0, 4), row(batch.context).expand({4, -1, -1}).contiguous(),
                    {.cameras = row(batch.cameras).expand({4, -1}).contiguous(), .views = 4});
  for (int64_t view = 0; view < 4; ++view) EXPECT_LT(relative_error(joint[view], one[0]), 1e-5);
}

TEST(JointViews, CamerasMatter) {
  const torch::NoGradGuard no_grad;
  UNet unet = random_joint_unet();
  const JointBatch batch;
  const auto forward = [&](const Tensor& cameras) {
    return unet->forward(batch.x, batch.timesteps, batch.context, {.cameras = cameras, .views = 4});
  };
  EXPECT_GT(relative_error(forward(batch.cameras.flip(0)), forward(batch.cameras)), 1e-3);
  EXPECT_GT(relative_error(forward({}), forward(batch.cameras)), 1e-3);
}

TEST(JointViews, WorkersAndBfloat16AndReferenceOpsAgree) {
  const torch::NoGradGuard no_grad;
  const JointBatch batch;
  UNet reference = random_joint_unet();
  const Tensor expected =
      reference->forward(batch.x, batch.timesteps, batch.context, {.cameras = batch.cameras, .views = 4});
  for (const int64_t workers : {1, 2, 3}) {
    UNetDenoiser denoiser(random_joint_unet(), {.workers = workers});
    EXPECT_EQ(denoiser.joint_views(), 4);
    denoiser.set_cameras(batch.cameras);
    EXPECT_LT(relative_error(denoiser.predict(batch.x, batch.timesteps, batch.context), expected), 1e-5) << workers;
    // Two prompts for each of four views: the cameras repeat.
    denoiser.set_cameras(batch.cameras.slice(0, 0, 4));
    const auto twice = [](const Tensor& x) { return torch::cat({x.slice(0, 0, 4), x.slice(0, 0, 4)}); };
    const Tensor both = denoiser.predict(twice(batch.x), batch.timesteps, twice(batch.context));
    for (const Tensor& half : both.chunk(2)) EXPECT_LT(relative_error(half, expected.slice(0, 0, 4)), 1e-5);
  }
  for (const int64_t rows : {1, 4, 7, 8}) {  // parts are whole objects
    UNetDenoiser parts(random_joint_unet(), {.rows_at_once = rows});
    parts.set_cameras(batch.cameras);
    EXPECT_LT(relative_error(parts.predict(batch.x, batch.timesteps, batch.context), expected), 1e-5) << rows;
  }
  UNetDenoiser low(random_joint_unet(), {.dtype = torch::kBFloat16});
  low.set_cameras(batch.cameras);
  EXPECT_LT(relative_error(low.predict(batch.x, batch.timesteps, batch.context), expected), 3e-2);
  const tensor::ReferenceOpsGuard guard;
  UNetDenoiser plain(random_joint_unet());
  plain.set_cameras(batch.cameras);
  EXPECT_LT(relative_error(plain.predict(batch.x, batch.timesteps, batch.context), expected), 1e-5);
}

}  // namespace
}  // namespace lucid::diffusion
