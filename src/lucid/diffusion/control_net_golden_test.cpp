// SPDX-License-Identifier: Apache-2.0
// A depth ControlNet against diffusers: its residuals, and the U-Net that is given them.
#include <gtest/gtest.h>

#include "lucid/diffusion/control_net.h"
#include "lucid/diffusion/denoiser.h"
#include "lucid/diffusion/golden_test.h"

namespace lucid::diffusion {
namespace {

TEST(ControlNetGolden, ResidualsAndTheUNetWithThem) {
  constexpr double kLimit = 2e-5;
  const torch::NoGradGuard no_grad;
  const auto folder = lucid::test::goldens() / "adapters";
  const auto base = weights::read_safetensors(folder / "base.safetensors").tensors;
  const auto expected = weights::read_safetensors(folder / "controlnet.expected.safetensors").tensors;
  ControlNet net = load_control_net(folder / "controlnet");
  UNet unet = load_unet(lucid::test::goldens() / "distill/unet");
  const torch::Tensor &x = base.at("sample"), &t = base.at("timestep"), &context = base.at("context");
  const torch::Tensor depth = expected.at("depth").expand({-1, 3, -1, -1});
  test::Comparison comparison("controlnet");
  for (const double scale : {1.0, 0.5}) {
    const ControlResiduals residuals = net->forward(x, t, context, depth, scale);
    for (size_t i = 0; i < residuals.down.size(); ++i) {
      const std::string name = fmt::format("down_{}@1.0", i);
      comparison.expect(name, residuals.down[i] / scale, expected.at(name), kLimit);
    }
    comparison.expect("mid", residuals.mid / scale, expected.at("mid@1.0"), kLimit);
    const std::string out = fmt::format("unet_out@{:.1f}", scale);
    comparison.expect(out, unet->forward(x, t, context, &residuals), expected.at(out), kLimit);
  }
}

TEST(ControlNetGolden, TheDenoiserShowsEachRowItsView) {
  const torch::NoGradGuard no_grad;
  const auto folder = lucid::test::goldens() / "adapters";
  const auto base = weights::read_safetensors(folder / "base.safetensors").tensors;
  const auto expected = weights::read_safetensors(folder / "controlnet.expected.safetensors").tensors;
  UNet unet = load_unet(lucid::test::goldens() / "distill/unet");
  for (const int64_t workers : {1, 2}) {
    UNetDenoiser denoiser(unet, {.workers = workers}, {.net = load_control_net(folder / "controlnet"), .scale = 0.5});
    EXPECT_TRUE(denoiser.looks());
    denoiser.show(expected.at("depth").expand({-1, 3, -1, -1}));
    const auto twice = [](const torch::Tensor& of) { return torch::cat({of, of}); };  // two prompts, as guidance asks
    const torch::Tensor out =
        denoiser.predict(twice(base.at("sample")), twice(base.at("timestep")), twice(base.at("context")));
    EXPECT_LT(test::relative_error(out, twice(expected.at("unet_out@0.5"))), 2e-5);
  }
}

}  // namespace
}  // namespace lucid::diffusion
