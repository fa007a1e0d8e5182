// SPDX-License-Identifier: Apache-2.0
// The U-Net against diffusers, for every pipeline in the goldens: outputs, activations, parameters.
#include <gtest/gtest.h>

#include "lucid/diffusion/denoiser.h"
#include "lucid/diffusion/golden_test.h"

namespace lucid::diffusion {
namespace {

constexpr double kUNetLimit = 8e-6;  // of the goldens' README: a wrong GroupNorm eps still shows

// A case with batch B uses the first B timesteps and prompts 1..B; the case 16x16 (B = 1) uses timestep 481 and
// prompt 4.
struct UNetCase {
  torch::Tensor sample, timesteps, context;
};

UNetCase golden_case(const test::Tensors& golden, const std::string& size) {
  UNetCase result{golden.at("unet." + size + ".sample"), golden.at("unet.timesteps"), golden.at("text.embeds")};
  if (size == "16x16") {
    result.timesteps = torch::tensor({int64_t{481}});
    result.context = result.context.slice(0, 4, 5);
  } else {
    result.context = result.context.slice(0, 1, 1 + result.sample.size(0));
  }
  return result;
}

TEST(UNetGolden, OutputsAndActivations) {
  const torch::NoGradGuard no_grad;
  for (const std::string& pipeline : test::pipelines()) {
    const test::Tensors golden = test::golden_tensors(pipeline);
    UNet unet = load_unet(test::sd_folder() / pipeline / "unet");
    test::Comparison comparison(pipeline + " unet");
    const auto sizes = test::cases(golden, "unet.", ".out");
    EXPECT_FALSE(sizes.empty());
    for (const std::string& size : sizes) {
      test::Tensors seen;
      unet->on_activation = [&](const std::string& name, const torch::Tensor& output) { seen[name] = output.clone(); };
      const UNetCase c = golden_case(golden, size);
      const torch::Tensor out = unet(c.sample, c.timesteps, c.context);
      comparison.expect(size, out, golden.at("unet." + size + ".out"), kUNetLimit);
      const std::string prefix = "unet." + size + ".act.";
      comparison.expect_activations(prefix, golden, seen, kUNetLimit);
      for (const auto& [name, tensor] : golden) {
        if (name.starts_with(prefix)) {
          EXPECT_TRUE(seen.contains(name.substr(prefix.size()))) << name;
        }
      }
      unet->on_activation = nullptr;
      EXPECT_TRUE(torch::equal(unet(c.sample, c.timesteps, c.context), out))
          << "the activation hook changed the output";
    }
  }
}

TEST(UNetGolden, GradientModeAndDenoiserAgree) {
  for (const std::string& pipeline : test::pipelines()) {
    const test::Tensors golden = test::golden_tensors(pipeline);
    UNet unet = load_unet(test::sd_folder() / pipeline / "unet");
    const UNetCase c = golden_case(golden, "8x12");
    test::Comparison comparison(pipeline + " with gradients");
    const torch::Tensor context = c.context.clone().requires_grad_();
    const torch::Tensor out = unet(c.sample, c.timesteps, context);
    comparison.expect("out", out, golden.at("unet.8x12.out"), kUNetLimit);
    out.square().sum().backward();
    EXPECT_GT(context.grad().abs().max().item<double>(), 0);
    for (const auto& entry : unet->named_parameters()) EXPECT_TRUE(entry.value().grad().defined()) << entry.key();

    UNetDenoiser denoiser(unet);
    const torch::NoGradGuard no_grad;
    const torch::Tensor predicted = denoiser.predict(c.sample.to(torch::kDouble), c.timesteps, c.context);
    EXPECT_EQ(predicted.scalar_type(), torch::kDouble);
    comparison.expect("denoiser", predicted, golden.at("unet.8x12.out"), kUNetLimit);
  }
}

TEST(UNetGolden, TimestepEmbedding) {
  for (const std::string& pipeline : test::pipelines()) {
    const test::Tensors golden = test::golden_tensors(pipeline);
    const torch::Tensor& wanted = golden.at("unet.time_proj");
    test::Comparison comparison(pipeline + " sinusoid");
    const torch::Tensor found = timestep_embedding(golden.at("unet.timesteps"), wanted.size(1));
    comparison.expect("float32", found, wanted, 8e-6);
    comparison.expect("float64", found, golden.at("unet.time_proj_f64"), 1e-5);
  }
}

TEST(UNetGolden, EveryParameterEqualsTheFiles) {
  for (const std::string& pipeline : test::pipelines()) {
    const auto folder = test::sd_folder() / pipeline / "unet";
    test::expect_same_parameters(*load_unet(folder), weights::read_part(folder, "diffusion_pytorch_model").tensors);
  }
}

}  // namespace
}  // namespace lucid::diffusion
