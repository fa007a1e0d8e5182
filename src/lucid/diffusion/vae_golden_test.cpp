// SPDX-License-Identifier: Apache-2.0
// The VAE against diffusers, for every pipeline in the goldens: encoding, decoding, gradient, clamp of the
// log-variance.
#include <gtest/gtest.h>

#include "lucid/diffusion/golden_test.h"
#include "lucid/diffusion/vae.h"

namespace lucid::diffusion {
namespace {

constexpr double kVaeLimit = 8e-6, kGradientLimit = 2e-5;  // of the goldens' README

TEST(VaeGolden, EncodesDecodesAndDifferentiates) {
  for (const std::string& pipeline : test::pipelines()) {
    const test::Tensors golden = test::golden_tensors(pipeline);
    Vae vae = load_vae(test::sd_folder() / pipeline / "vae");
    const double factor = vae->config().scaling_factor;
    EXPECT_NEAR(factor, golden.at("vae.scaling_factor").item<double>(), 1e-8);
    test::Comparison comparison(pipeline + " vae");
    test::Comparison gradient(pipeline + " vae gradient");
    const auto sizes = test::cases(golden, "vae.", ".image");
    EXPECT_FALSE(sizes.empty());
    for (const std::string& size : sizes) {
      const auto at = [&](const std::string& name) { return golden.at("vae." + size + "." + name); };
      test::Tensors seen;
      vae->on_activation = [&](const std::string& name, const torch::Tensor& output) { seen[name] = output.detach(); };
      const torch::Tensor image = at("image").clone().requires_grad_();
      const torch::Tensor moments = vae->encode_moments(image);
      const torch::Tensor latents = sample_latents(moments, at("noise"), factor);
      comparison.expect("moments", moments, at("moments"), kVaeLimit);
      comparison.expect("latents", latents, at("latents"), kVaeLimit);
      latents.backward(at("d_latents"));
      gradient.expect("d_image", image.grad(), at("d_image"), kGradientLimit);
      EXPECT_EQ(image.size(2) / latents.size(2), vae->config().downscale());

      const torch::NoGradGuard no_grad;
      comparison.expect("dec_image", vae->decode(at("dec_latents")), at("dec_image"), kVaeLimit);
      const std::string prefix = "vae." + size + ".act.";
      comparison.expect_activations(prefix, golden, seen, kVaeLimit);
      for (const auto& [name, tensor] : golden) {
        if (name.starts_with(prefix)) {
          EXPECT_TRUE(seen.contains(name.substr(prefix.size()))) << name;
        }
      }
      vae->on_activation = nullptr;
      comparison.expect("moments, no gradient", vae->encode_moments(image), at("moments"), kVaeLimit);
    }
  }
}

TEST(VaeGolden, ClampOfTheLogVariance) {
  for (const std::string& pipeline : test::pipelines()) {
    const test::Tensors golden = test::golden_tensors(pipeline);
    const double factor = golden.at("vae.scaling_factor").item<double>();
    const torch::Tensor moments = golden.at("vae.clamp.moments").clone().requires_grad_();
    const torch::Tensor latents = sample_latents(moments, golden.at("vae.clamp.noise"), factor);
    latents.backward(golden.at("vae.clamp.d_latents"));
    test::Comparison comparison(pipeline + " clamp");
    comparison.expect("latents", latents, golden.at("vae.clamp.latents"), kVaeLimit);
    comparison.expect("d_moments", moments.grad(), golden.at("vae.clamp.d_moments"), kVaeLimit);
    const torch::Tensor log_variance = moments.detach().chunk(2, 1)[1], slope = moments.grad().chunk(2, 1)[1];
    EXPECT_TRUE((slope.masked_select(log_variance < -30) == 0).all().item<bool>());
    EXPECT_TRUE((slope.masked_select(log_variance > 20) == 0).all().item<bool>());
    EXPECT_TRUE((slope.masked_select(log_variance == 20) != 0).all().item<bool>());
  }
}

// The attention's old names (SD 1.x) are renamed while loading. Its to_k.bias does not affect outputs.
TEST(VaeGolden, EveryParameterEqualsTheFiles) {
  const std::pair<std::string, std::string> names[] = {
      {"attentions.0.query.", "attentions.0.to_q."},
      {"attentions.0.key.", "attentions.0.to_k."},
      {"attentions.0.value.", "attentions.0.to_v."},
      {"attentions.0.proj_attn.", "attentions.0.to_out.0."},
  };
  for (const std::string& pipeline : test::pipelines()) {
    const auto folder = test::sd_folder() / pipeline / "vae";
    test::Tensors file;
    for (const auto& [name, tensor] : weights::read_part(folder, "diffusion_pytorch_model").tensors) {
      std::string now = name;
      for (const auto& [before, after] : names) {
        if (const size_t at = now.find(before); at != std::string::npos) now.replace(at, before.size(), after);
      }
      file[now] = tensor;
    }
    ASSERT_TRUE(file.contains("encoder.mid_block.attentions.0.to_k.bias"));
    test::expect_same_parameters(*load_vae(folder), file);
  }
}

}  // namespace
}  // namespace lucid::diffusion
