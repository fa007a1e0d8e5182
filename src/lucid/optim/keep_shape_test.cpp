// SPDX-License-Identifier: Apache-2.0
// keep_shape: where a steady pull comes to rest, what is not held, and rows through a densification.
#include "lucid/optim/keep_shape.h"

#include <gtest/gtest.h>

#include "lucid/gaussians/starts.h"
#include "lucid/optim/adam.h"
#include "lucid/optim/densify.h"

namespace lucid::optim {
namespace {

using gaussians::Cloud;

TEST(KeepShape, ASteadyPullComesToRestAtTheRateOverTheWeight) {
  Cloud cloud = gaussians::make_start({.count = 50, .seed = 2});
  const Cloud start = [&] {
    Cloud copy = cloud;
    for (torch::Tensor* x : copy.parameters()) *x = x->clone();
    return copy;
  }();
  KeptShape kept = KeptShape::of(cloud);
  Adam adam(cloud);
  gaussians::CloudGradient pull = gaussians::CloudGradient::zeros_like(cloud);
  for (torch::Tensor& x : pull.raw) x.fill_(3);
  constexpr double kRate = 0.01, kWeight = 0.5;
  for (int step = 0; step < 60; ++step) {
    adam.step(cloud, pull, {kRate, kRate, kRate, kRate, kRate, kRate});
    draw_back(cloud, kept, kWeight);
  }
  for (const Cloud::Group group : {Cloud::kMeans, Cloud::kOpacityLogits, Cloud::kLogScales, Cloud::kQuats}) {
    const torch::Tensor moved = *start.parameters()[group] - *cloud.parameters()[group];
    EXPECT_NEAR(moved.min().item<double>(), kRate / kWeight, 1e-4) << Cloud::kNames[group];
    EXPECT_NEAR(moved.max().item<double>(), kRate / kWeight, 1e-4) << Cloud::kNames[group];
  }
  EXPECT_NEAR((start.sh_dc - cloud.sh_dc).min().item<double>(), 60 * kRate, 1e-3) << "colours are not held";
}

TEST(KeepShape, RowsAreFollowedThroughADensification) {
  Cloud cloud = gaussians::make_start({.count = 40, .seed = 3});
  cloud.opacity_logits.slice(0, 0, 5).fill_(-9);  // pruned
  KeptShape kept = KeptShape::of(cloud);
  const torch::Tensor before = cloud.means.clone();
  cloud.means.add_(1);  // so that held and present values differ
  Adam adam(cloud);
  DensifyStats stats = DensifyStats::zeros(40);
  stats.gradient_sum.slice(0, 10, 20).fill_(1);
  stats.gradient_count.fill_(1);
  const DensifyReport report =
      densify_and_prune(cloud, adam, stats, {.percent_dense = 0, .extent = 1e3}, false, [](int64_t n) {
        return torch::ones({2 * n, 3});
      });
  ASSERT_EQ(report.split, 10);
  ASSERT_EQ(report.pruned, 5);
  follow_rows(kept, cloud, report.source);
  ASSERT_EQ(kept.means.size(0), 45);
  ASSERT_EQ(cloud.count(), 45);
  const torch::Tensor old = report.source >= 0;
  EXPECT_EQ(old.sum().item<int64_t>(), 25);
  EXPECT_TRUE(kept.means.index({old}).equal(before.index_select(0, report.source.index({old}))));
  EXPECT_TRUE(kept.means.index({~old}).equal(cloud.means.index({~old})));
  EXPECT_EQ(kept.quats.sizes(), cloud.quats.sizes());
  draw_back(cloud, kept, 1);
  EXPECT_TRUE(torch::allclose(cloud.means.index({old}), kept.means.index({old}) + 0.5));
  EXPECT_TRUE(torch::allclose(cloud.means.index({~old}), kept.means.index({~old})));
}

}  // namespace
}  // namespace lucid::optim
