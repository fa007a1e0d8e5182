// SPDX-License-Identifier: Apache-2.0
// U-Net, schedule and VAE together against diffusers' pipeline: four DDIM steps with guidance, then the decoded image.
#include <gtest/gtest.h>

#include "lucid/diffusion/golden_test.h"
#include "lucid/diffusion/schedule.h"
#include "lucid/diffusion/unet.h"
#include "lucid/diffusion/vae.h"

namespace lucid::diffusion {
namespace {

constexpr double kPipelineLimit = 5e-5;  // of the goldens' README

TEST(PipelineGolden, FourDdimStepsAndDecode) {
  const torch::NoGradGuard no_grad;
  for (const std::string& pipeline : test::pipelines()) {
    const test::Tensors golden = test::golden_tensors(pipeline);
    const auto folder = test::sd_folder() / pipeline;
    UNet unet = load_unet(folder / "unet");
    Vae vae = load_vae(folder / "vae");
    const Schedule schedule(ScheduleConfig::from_file(folder / "scheduler" / "scheduler_config.json"));
    test::Comparison comparison(pipeline + " end to end");

    const torch::Tensor& timesteps = golden.at("e2e.timesteps");
    const int64_t steps = timesteps.size(0);
    const double guidance = golden.at("e2e.guidance").item<double>();
    const torch::Tensor context = golden.at("text.embeds").slice(0, 0, 2);  // unconditional, conditional
    const std::vector<int64_t> ours = schedule.timesteps(steps);
    torch::Tensor x = golden.at("e2e.latents_init");
    for (int64_t i = 0; i < steps; ++i) {
      const int64_t t = timesteps[i].item<int64_t>();
      ASSERT_EQ(ours[static_cast<size_t>(i)], t);
      const auto both = unet(x.repeat({2, 1, 1, 1}), torch::full({2}, t, torch::kLong), context).chunk(2, 0);
      const torch::Tensor output = both[0] + guidance * (both[1] - both[0]);
      x = schedule.ddim_step(x, output, t, t - schedule.config().num_train_timesteps / steps);
      comparison.expect(fmt::format("step {}", i), x, golden.at("e2e.latents").slice(0, i, i + 1), kPipelineLimit);
    }
    comparison.expect("image", vae->decode(x), golden.at("e2e.image"), kPipelineLimit);
  }
}

}  // namespace
}  // namespace lucid::diffusion
