// SPDX-License-Identifier: Apache-2.0
// A step against itself, and on a GPU beside the same step on the CPU.
#include "lucid/train/step.h"

#include <gtest/gtest.h>

#include <chrono>

#include "goldens.h"
#include "lucid/gaussians/starts.h"
#include "lucid/tensor/relative_error.h"
#include "lucid/text_to_image/prior.h"

namespace lucid::train {
namespace {

using tensor::relative_error;

StepReport step_on(torch::Device device, const TrainOptions& options, Model& model) {
  text_to_image::Prior prior = text_to_image::load_prior(test::source_dir() / "models/mini");
  prior.unet->to(device);
  prior.vae->to(device);
  prior.encoder->to(device);
  diffusion::UNetDenoiser denoiser(prior.unet);
  diffusion::ImageEncoder encoder(prior.vae);
  const text_to_image::ViewPrompts prompts = text_to_image::view_prompts(prior, "a hamburger", "", "");
  const auto distiller = distill::make_distiller(options.score);
  const Scene scene{.options = options,
                    .prior = prior,
                    .encoder = encoder,
                    .denoiser = denoiser,
                    .prompts = prompts,
                    .distiller = *distiller,
                    .device = device};
  model = start_model(gaussians::make_start({.count = 2000}));
  move_to(device, model);
  gaussians::ViewRenderer renderer(device);
  const auto begin = std::chrono::steady_clock::now();
  StepReport report = training_step(scene, model, renderer);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  EXPECT_LE(report.seconds.total(), seconds) << "its stages' seconds add up to at most its own";
  return report;
}

Model no_model() { return {.cloud = {}, .adam = optim::Adam(gaussians::Cloud{}), .stats = {}}; }

TrainOptions small() {
  TrainOptions options;
  options.batch = 2;
  options.views.width = options.views.height = 128;
  options.augment = {.bg_aug_ratio = 0, .flip_ratio = 1};
  return options;
}

TEST(TrainStep, IsAFunctionOfModelAndSeed) {
  Model first = no_model(), again = no_model(), other = no_model();
  TrainOptions options = small();
  const StepReport report = step_on(torch::kCPU, options, first);
  EXPECT_GT(report.score_norm, 0);
  EXPECT_EQ(first.iteration, 1);
  step_on(torch::kCPU, options, again);
  options.seed = 1;
  step_on(torch::kCPU, options, other);
  for_each_tensor(again, [&](const std::string& name, torch::Tensor& tensor) {
    torch::Tensor twin;
    for_each_tensor(first, [&](const std::string& n, torch::Tensor& t) { twin = n == name ? t : twin; });
    EXPECT_TRUE(torch::equal(tensor, twin)) << name;
  });
  EXPECT_FALSE(torch::equal(other.cloud.means, first.cloud.means));
}

TEST(TrainStep, AGpuTakesTheCpusStep) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "libtorch sees no CUDA device here";
  if (!render::cuda_available()) GTEST_SKIP() << "the rasteriser sees no CUDA device here";
  at::globalContext().setAllowTF32CuDNN(false);
  const TrainOptions options = small();
  Model cpu = no_model(), gpu = no_model();
  const StepReport wanted = step_on(torch::kCPU, options, cpu);
  const StepReport found = step_on(torch::Device(torch::kCUDA, 0), options, gpu);
  EXPECT_TRUE(gpu.device().is_cuda());
  for (size_t i = 0; i < wanted.views.size(); ++i) {
    EXPECT_LT(relative_error(found.views[i].rgb, wanted.views[i].rgb), 1e-4) << i;
    EXPECT_LT(relative_error(found.views[i].depth, wanted.views[i].depth), 1e-4) << i;
  }
  EXPECT_LT(relative_error(found.latents, wanted.latents), 1e-3);
  EXPECT_LT(relative_error(found.d_latents, wanted.d_latents), 1e-2);
  // Adam's first moments are a tenth of the gradients.
  EXPECT_LT(relative_error(gpu.adam.m[0], cpu.adam.m[0]), 3e-2) << "of the means";
  EXPECT_LT(relative_error(gpu.adam.m[1], cpu.adam.m[1]), 3e-2) << "of the colours";
  EXPECT_LT(relative_error(gpu.stats.gradient_sum, cpu.stats.gradient_sum), 3e-2);
}

}  // namespace
}  // namespace lucid::train
