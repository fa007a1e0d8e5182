// SPDX-License-Identifier: Apache-2.0
// Cleaning of a cloud of tensors: every parameter of a Gaussian goes or stays together.
#include "lucid/asset/splats/clean_cloud.h"

#include <gtest/gtest.h>

#include <cmath>

#include "lucid/gaussians/starts.h"

namespace lucid::asset {
namespace {

TEST(CleanCloud, AFloaterGoesAndTheOthersKeepAllParameters) {
  const torch::NoGradGuard no_grad;
  gaussians::Cloud cloud = gaussians::make_start({.kind = "sphere", .count = 2000});
  cloud.means.copy_(0.6 * cloud.means / cloud.means.norm(2, 1, true));  // a shell
  cloud.log_scales.fill_(std::log(0.07));
  cloud.opacity_logits.fill_(6);
  cloud.means[1234].copy_(torch::tensor({0.2F, 0.3F, 1.1F}));  // small, faint, and apart
  cloud.log_scales[1234].fill_(std::log(0.03));
  cloud.opacity_logits[1234].fill_(-1);
  const torch::Tensor kept = clean_indices(cloud);
  cloud.filter_3d = torch::arange(2000, torch::kFloat).unsqueeze(1);
  EXPECT_EQ(kept.size(0), 1999);
  EXPECT_FALSE((kept == 1234).any().item<bool>());
  const gaussians::Cloud result = selected(cloud, kept);
  EXPECT_TRUE(result.filter_3d.equal(kept.to(torch::kFloat).unsqueeze(1)));
  for (size_t group = 0; group < gaussians::Cloud::kGroups; ++group) {
    const torch::Tensor &before = *cloud.parameters()[group], &after = *result.parameters()[group];
    ASSERT_EQ(after.size(0), 1999) << gaussians::Cloud::kNames[group];
    EXPECT_TRUE(after.is_contiguous());
    EXPECT_TRUE(after.slice(0, 0, 1234).equal(before.slice(0, 0, 1234))) << gaussians::Cloud::kNames[group];
    EXPECT_TRUE(after.slice(0, 1234).equal(before.slice(0, 1235))) << gaussians::Cloud::kNames[group];
  }
}

}  // namespace
}  // namespace lucid::asset
