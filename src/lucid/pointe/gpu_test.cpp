// SPDX-License-Identifier: Apache-2.0
// Point-E's networks on a GPU against the CPU. Skipped without a GPU.
#include <gtest/gtest.h>

#include "lucid/nn/layer.h"
#include "lucid/pointe/point_e.h"
#include "lucid/pointe/test_weights.h"
#include "lucid/tensor/relative_error.h"

namespace lucid::pointe {
namespace {

using Kind = TransformerConfig::Kind;

struct Precision {
  torch::ScalarType type;
  double limit;  // of the relative error
};
constexpr Precision kPrecisions[] = {{torch::kFloat, 1e-4}, {torch::kBFloat16, 2e-2}};

class PointeGpu : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!torch::cuda::is_available()) GTEST_SKIP() << "no CUDA device can be used here";
    torch::manual_seed(3);
  }
  static PointTransformer network(const test_weights::Tensors& tensors, torch::Device device,
                                  torch::ScalarType dtype = torch::kFloat) {
    PointTransformer net = load_transformer({.file = "test", .tensors = tensors}, dtype);
    net->to(device);
    nn::freeze_layers(*net, /*low_memory=*/false, /*round_activations=*/false);
    return net;
  }
  torch::NoGradGuard no_grad_;
};

TEST_F(PointeGpu, BothNetworksAgreeWithTheCpu) {
  const torch::Tensor t = torch::tensor({0, 700}), x = torch::randn({2, kChannels, 300});
  const torch::Tensor vector = torch::randn({2, test_weights::kVectorWidth}),
                      low_res = torch::randn({2, kChannels, 90});
  for (const Kind kind : {Kind::kVector, Kind::kUpsample}) {
    const auto tensors = test_weights::transformer_tensors(kind);
    const torch::Tensor wanted = network(tensors, torch::kCPU)->forward(x, t, {.vector = vector, .low_res = low_res});
    for (const Precision& precision : kPrecisions) {
      const torch::Tensor found =
          network(tensors, torch::kCUDA, precision.type)
              ->forward(x.cuda(), t.cuda(), {.vector = vector.cuda(), .low_res = low_res.cuda()});
      EXPECT_LT(tensor::relative_error(found, wanted), precision.limit) << c10::toString(precision.type);
    }
  }
}

TEST_F(PointeGpu, ACloudIsAFunctionOfItsSeed) {
  Networks networks{.vector = torch::nn::functional::normalize(torch::randn({1, test_weights::kVectorWidth})).cuda(),
                    .base = network(test_weights::transformer_tensors(Kind::kVector), torch::kCUDA),
                    .upsample = network(test_weights::transformer_tensors(Kind::kUpsample), torch::kCUDA)};
  const SampleOptions options{.seed = 1, .points = 1100, .steps = 4};
  const PointCloud once = sample(networks, options), again = sample(networks, options);
  EXPECT_EQ(once.xyz.sizes(), (std::vector<int64_t>{1100, 3}));
  EXPECT_TRUE(once.xyz.device().is_cpu() && once.xyz.isfinite().all().item<bool>());
  EXPECT_TRUE(once.xyz.allclose(again.xyz, 0, 1e-4));
}

}  // namespace
}  // namespace lucid::pointe
