// SPDX-License-Identifier: Apache-2.0
// The embedded prior's U-Net and VAE against outputs of diffusers in float32.
#include <gtest/gtest.h>

#include "lucid/diffusion/golden_test.h"
#include "lucid/diffusion/schedule.h"
#include "lucid/diffusion/unet.h"
#include "lucid/diffusion/vae.h"

namespace lucid::diffusion {
namespace {

// Computed in double, so that only the golden's own rounding (float32) counts. Ours would vary with the number of
// threads and the instruction set, by up to 3e-5 with trained weights.
constexpr double kPriorLimit = 2e-5;

TEST(PriorGolden, VaeUNetAndSchedule) {
  const torch::NoGradGuard no_grad;
  const auto folder = lucid::test::source_dir() / "models/mini";
  test::Tensors golden =
      weights::read_safetensors(lucid::test::source_dir() / "tests/data/prior/golden.safetensors").tensors;
  for (auto& [name, tensor] : golden) {
    if (tensor.is_floating_point()) tensor = tensor.to(torch::kFloat64);
  }
  test::Comparison comparison("prior");

  Vae vae = load_vae(folder / "vae");
  vae->to(torch::kFloat64);
  const double factor = vae->config().scaling_factor;
  const torch::Tensor moments = vae->encode_moments(golden.at("picture"));
  const torch::Tensor none = torch::zeros_like(golden.at("vae_mean"));
  const torch::Tensor mean = sample_latents(moments, none, factor) / factor;
  const torch::Tensor deviation = sample_latents(moments, torch::ones_like(none), factor) / factor - mean;
  comparison.expect("vae_mean", mean, golden.at("vae_mean"), kPriorLimit);
  comparison.expect("vae_std", moments.chunk(2, 1)[1].mul(0.5).exp(), golden.at("vae_std"), kPriorLimit);
  comparison.expect("vae_std of a sample", deviation, golden.at("vae_std"),
                    1e-4);  // cancellation: a difference of larger numbers
  comparison.expect("vae_decoded_mean", vae->decode(golden.at("vae_mean") * factor), golden.at("vae_decoded_mean"),
                    kPriorLimit);

  UNet unet = load_unet(folder / "unet");
  unet->to(torch::kFloat64);
  const torch::Tensor latent = golden.at("latent"), t = golden.at("t");
  const torch::Tensor hamburger = golden.at("prompt_embeddings").slice(0, 0, 1);
  comparison.expect("eps_hamburger_front", unet(latent, t, hamburger), golden.at("eps_hamburger_front"), kPriorLimit);
  comparison.expect("eps_empty", unet(latent, t, golden.at("empty_embedding")), golden.at("eps_empty"), kPriorLimit);

  const Schedule schedule(ScheduleConfig::from_file(folder / "scheduler" / "scheduler_config.json"));
  comparison.expect("alphas_cumprod", schedule.alphas_cumprod(), golden.at("alphas_cumprod"), 2e-6);
}

}  // namespace
}  // namespace lucid::diffusion
