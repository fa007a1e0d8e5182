// SPDX-License-Identifier: Apache-2.0
// Networks on a GPU, by our kernels, by libtorch's operators and by captured graphs, against the CPU. Skipped without a
// GPU; nn/cuda/device_kernels_test.cpp tests the kernels on any machine.
#include <gtest/gtest.h>

#include "lucid/diffusion/denoiser.h"
#include "lucid/diffusion/image_encoder.h"
#include "lucid/diffusion/resnet.h"
#include "lucid/nn/cuda/device_kernels.h"
#include "lucid/nn/layout.h"
#include "lucid/tensor/randn.h"
#include "lucid/tensor/reference_ops.h"
#include "lucid/tensor/relative_error.h"

namespace lucid::diffusion {
namespace {

struct Precision {
  torch::ScalarType type;
  double limit;  // of the relative error
};
constexpr Precision kPrecisions[] = {{torch::kFloat, 1e-3},
                                     {torch::kBFloat16, 2e-2}};  // libtorch's float32 may be TF32

using tensor::relative_error;

/// No gradients of parameters; norms get random parameters.
template <class Module>
void freeze(Module& module) {
  for (auto& item : module->named_parameters()) {
    item.value().set_requires_grad(false);
    if (item.key().find("norm") != std::string::npos) item.value().add_(0.3 * torch::randn_like(item.value()));
  }
}

/// The module on the GPU, with weights in `type` and float32 norms.
template <class Module, class Make>
Module on_gpu(Module& module, const Make& make, torch::ScalarType type) {
  Module copy = make();
  const auto from = module->named_parameters();
  for (auto& item : copy->named_parameters()) {
    const bool norm = item.key().find("norm") != std::string::npos;
    item.value().set_data(from[item.key()].to(torch::kCUDA).to(norm ? torch::kFloat : type));
    item.value().set_requires_grad(false);
  }
  nn::make_weights_channels_last(*copy);
  return copy;
}

class Gpu : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!torch::cuda::is_available() || !nn::cuda::has_kernels()) {
      GTEST_SKIP() << "no CUDA device can be used here, or this build has no kernels for one";
    }
    torch::manual_seed(8);
  }
};

UNet random_unet() {
  UNetConfig config;
  config.block_out_channels = {32, 64};
  config.down_block_types = {"CrossAttnDownBlock2D", "DownBlock2D"};
  config.up_block_types = {"UpBlock2D", "CrossAttnUpBlock2D"};
  config.heads_per_block = {2, 4};
  config.layers_per_block = 1;
  config.cross_attention_dim = 48;
  config.norm_num_groups = 8;
  UNet unet(config);
  freeze(unet);
  return unet;
}

Vae random_vae() {
  VaeConfig config;
  config.block_out_channels = {32, 64};
  config.layers_per_block = 1;
  config.norm_num_groups = 8;
  Vae vae(config);
  freeze(vae);
  return vae;
}

TEST_F(Gpu, ResnetAndGradientMatchCpu) {
  for (const int64_t out : {64, 96}) {
    const auto make = [&] { return Resnet(ResnetSizes{.in = 64, .out = out, .time_width = 40, .groups = 32}); };
    Resnet exact = make();
    freeze(exact);
    const torch::Tensor x = torch::randn({3, 64, 20, 12}), time = torch::randn({3, 40}),
                        d_y = torch::randn({3, out, 20, 12});
    for (const Precision& precision : kPrecisions) {
      Resnet resnet = on_gpu(exact, make, precision.type);
      const auto to_gpu = [&](const torch::Tensor& t) { return t.to(torch::kCUDA).to(precision.type); };
      torch::Tensor leaf = to_gpu(x).contiguous(torch::MemoryFormat::ChannelsLast).detach().requires_grad_();
      const torch::Tensor y = resnet(leaf, to_gpu(time));
      y.backward(to_gpu(d_y));
      Resnet in_double = make();
      in_double->to(torch::kDouble);
      for (auto& item : in_double->named_parameters())
        item.value().set_data(exact->named_parameters()[item.key()].to(torch::kDouble));
      torch::Tensor leaf_double = x.to(torch::kDouble).requires_grad_();
      const torch::Tensor wanted = in_double(leaf_double, time.to(torch::kDouble));
      wanted.backward(d_y.to(torch::kDouble));
      EXPECT_LT(relative_error(y.detach(), wanted.detach()), precision.limit) << out;
      EXPECT_LT(relative_error(leaf.grad(), leaf_double.grad()), precision.limit) << out;
    }
  }
}

TEST_F(Gpu, UNetMatchesCpuByKernelsReferenceOpsAndGraphs) {
  const torch::NoGradGuard no_grad;
  UNet cpu = random_unet();
  for (const Precision& precision : kPrecisions) {
    UNet unet = on_gpu(cpu, random_unet, precision.type);
    UNetDenoiser captured(unet), eager(unet, {.cuda_graphs = false});
    const torch::Tensor prompts = torch::randn({5, 9, 48}), gpu_prompts = prompts.to(torch::kCUDA);
    for (const int64_t batch : {2, 4, 2, 4}) {  // both captures are replayed again
      const torch::Tensor x = torch::randn({batch, 4, 16, 24}), weights = torch::rand({batch, 5});
      const torch::Tensor times = torch::randint(0, 1000, {batch}, torch::kLong);
      const torch::Tensor exact = UNetDenoiser(cpu).predict(x, times, {prompts, weights});
      const auto ask = [&](UNetDenoiser& denoiser) {
        return denoiser.predict(x.to(torch::kCUDA), times.to(torch::kCUDA), {gpu_prompts, weights});
      };
      const torch::Tensor found = ask(captured);
      EXPECT_LT(relative_error(found, exact), precision.limit) << batch;
      EXPECT_LT(relative_error(found, ask(eager).to(torch::kCPU)), precision.limit / 10) << batch;
      const tensor::ReferenceOpsGuard reference;
      EXPECT_LT(relative_error(ask(eager), exact), precision.limit) << batch;
    }
  }
}

TEST_F(Gpu, EncoderMatchesCpuByKernelsReferenceOpsAndGraphs) {
  Vae cpu = random_vae();
  for (const Precision& precision : kPrecisions) {
    Vae vae = on_gpu(cpu, random_vae, precision.type);
    ImageEncoder captured(vae), eager(vae, {.cuda_graphs = false});
    for (const int64_t side : {16, 24, 16, 24}) {
      const torch::Tensor image = torch::rand({2, 3, side, 32});
      ImageEncoder exact(cpu);
      const torch::Tensor moments = exact.encode(image), d_moments = torch::randn_like(moments);
      const torch::Tensor d_image = exact.backward(d_moments);
      for (ImageEncoder* encoder : {&captured, &eager}) {
        EXPECT_LT(relative_error(encoder->encode(image.to(torch::kCUDA)), moments), precision.limit) << side;
        EXPECT_LT(relative_error(encoder->backward(d_moments.to(torch::kCUDA)), d_image), 2 * precision.limit) << side;
      }
      const tensor::ReferenceOpsGuard reference;
      EXPECT_LT(relative_error(eager.encode(image.to(torch::kCUDA)), moments), precision.limit) << side;
    }
  }
}

TEST_F(Gpu, RandnMatchesCpu) {
  Rng cpu_rng(3, "test"), gpu_rng(3, "test");
  for (const int64_t count : {1001, 2000}) {  // an odd count leaves a spare normal for the next call
    const torch::Tensor wanted = tensor::randn(cpu_rng, {count, 3}, torch::kCPU);
    const torch::Tensor found = tensor::randn(gpu_rng, {count, 3}, torch::kCUDA).to(torch::kCPU);
    EXPECT_LT((found - wanted).abs().max().item<double>(), 1e-6);
    EXPECT_EQ(cpu_rng.next_u32(), gpu_rng.next_u32());
  }
}

}  // namespace
}  // namespace lucid::diffusion
