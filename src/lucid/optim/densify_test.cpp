// SPDX-License-Identifier: Apache-2.0
// Tests of densification beyond the golden files: row order, the cap, pruning by size, the schedule, and statistics
// over several views.
#include "lucid/optim/densify.h"

#include <gtest/gtest.h>

#include <cmath>

namespace lucid::optim {
namespace {

using gaussians::Cloud;

constexpr double kSmall = 0.005, kLarge = 0.1;  // around percent_dense * extent = 0.0105

/// A cloud for densification tests, with Adam and statistics.
struct Scene {
  Cloud cloud;
  Adam adam;
  DensifyStats stats;
};

/// N Gaussians at the origin with these scales; row i has colour i; all Adam moments are 1.
Scene make_scene(const std::vector<double>& scales) {
  const auto n = static_cast<int64_t>(scales.size());
  Cloud cloud{.means = torch::zeros({n, 3}),
              .sh_dc = torch::arange(n, torch::kFloat32).view({n, 1, 1}).expand({n, 1, 3}).contiguous(),
              .sh_rest = torch::zeros({n, 0, 3}),
              .opacity_logits = torch::ones({n, 1}),
              .log_scales = torch::tensor(scales).to(torch::kFloat32).log().unsqueeze(1).expand({n, 3}).contiguous(),
              .quats = torch::tensor({1.F, 0.F, 0.F, 0.F}).expand({n, 4}).contiguous()};
  Adam adam(cloud);
  for (int g = 0; g < Cloud::kGroups; ++g) adam.m[g].fill_(1), adam.v[g].fill_(1);
  return {.cloud = cloud, .adam = adam, .stats = DensifyStats::zeros(n)};
}

void set_gradients(Scene& scene, const std::vector<double>& mean_gradients) {
  scene.stats.gradient_count.fill_(2);
  scene.stats.gradient_sum = 2 * torch::tensor(mean_gradients).to(torch::kFloat32).unsqueeze(1);
}

std::vector<int> colours(const Cloud& cloud) {
  std::vector<int> result;
  for (int64_t i = 0; i < cloud.count(); ++i) result.push_back(cloud.sh_dc[i][0][0].item<int>());
  return result;
}

torch::Tensor no_normals(int64_t splits) { return torch::zeros({2 * splits, 3}); }

TEST(Densify, OrderIsSurvivorsClonesFirstThenSecondChildren) {
  Scene s = make_scene({kSmall, kLarge, kSmall, kLarge});
  set_gradients(s, {1, 1, 0, 1});
  const auto normals = [](int64_t splits) {
    EXPECT_EQ(splits, 2);
    return torch::tensor({{1.F, 0.F, 0.F}, {0.F, 2.F, 0.F}, {0.F, 0.F, 3.F}, {-1.F, 0.F, 0.F}});
  };
  const DensifyReport report = densify_and_prune(s.cloud, s.adam, s.stats, {}, false, normals);
  EXPECT_EQ(report.cloned, 1);
  EXPECT_EQ(report.split, 2);
  EXPECT_EQ(report.pruned, 0);
  EXPECT_EQ(report.total, 7);
  EXPECT_EQ(colours(s.cloud), (std::vector<int>{0, 2, 0, 1, 3, 1, 3}));
  EXPECT_NEAR(s.cloud.means[3][0].item<double>(), kLarge, 1e-7);
  EXPECT_NEAR(s.cloud.means[4][1].item<double>(), 2 * kLarge, 1e-7);
  EXPECT_NEAR(s.cloud.means[5][2].item<double>(), 3 * kLarge, 1e-7);
  EXPECT_NEAR(s.cloud.log_scales[6][0].item<double>(), std::log(kLarge / 1.6), 1e-6);
  for (int row = 0; row < 7; ++row) EXPECT_EQ(s.adam.m[0][row][0].item<double>(), row < 2 ? 1 : 0);
  EXPECT_EQ(s.stats.max_radii.size(0), 7);
  EXPECT_EQ(s.stats.gradient_count.sum().item<double>(), 0);
}

TEST(Densify, ChildrenLieAlongTheParentsAxes) {
  Scene s = make_scene({kLarge});
  set_gradients(s, {1});
  s.cloud.quats = torch::tensor({{2.F, 0.F, 0.F, 2.F}});  // not normalised; a quarter turn about z
  densify_and_prune(s.cloud, s.adam, s.stats, {}, false, [](int64_t) {
    return torch::tensor({{1.F, 0.F, 0.F}, {0.F, 1.F, 0.F}});
  });
  const torch::Tensor expected = torch::tensor({{0.F, 0.1F, 0.F}, {-0.1F, 0.F, 0.F}});
  EXPECT_LE((s.cloud.means - expected).abs().max().item<double>(), 1e-7);
}

TEST(Densify, CapTakesTheLargestGradients) {
  DensifyOptions options{.max_gaussians = 6};
  Scene s = make_scene({kSmall, kLarge, kSmall, kSmall});
  set_gradients(s, {0.1, 0.3, 0.2, 0.1});
  const DensifyReport report = densify_and_prune(s.cloud, s.adam, s.stats, options, false, no_normals);
  EXPECT_EQ(report.total, 6);
  EXPECT_EQ(report.split, 1);
  EXPECT_EQ(colours(s.cloud), (std::vector<int>{0, 2, 3, 2, 1, 1}));

  Scene full = make_scene({kSmall, kLarge, kSmall, kSmall});
  set_gradients(full, {1, 1, 1, 1});
  full.cloud.opacity_logits[0] = -10;
  options.max_gaussians = 3;  // already exceeded: no growth, but pruning still happens
  EXPECT_EQ(densify_and_prune(full.cloud, full.adam, full.stats, options, false, no_normals).total, 3);
  EXPECT_EQ(colours(full.cloud), (std::vector<int>{1, 2, 3}));

  Scene free = make_scene({kSmall, kSmall});
  set_gradients(free, {1, 1});
  options.max_gaussians = 4;  // room for all
  EXPECT_EQ(densify_and_prune(free.cloud, free.adam, free.stats, options, false, no_normals).total, 4);
}

TEST(Densify, TheLowerOfTwoCapsHolds) {
  for (const auto& [option, memory, bound] :
       {std::array<int64_t, 3>{0, 0, 0}, {5, 0, 5}, {0, 5, 5}, {5, 6, 5}, {6, 5, 5}}) {
    DensifyOptions options{.max_gaussians = option, .most_in_memory = memory};
    EXPECT_EQ(options.bound(), bound) << option << " " << memory;
    Scene s = make_scene({kSmall, kSmall, kSmall, kSmall});
    set_gradients(s, {1, 1, 1, 1});
    EXPECT_EQ(densify_and_prune(s.cloud, s.adam, s.stats, options, false, no_normals).total, bound > 0 ? bound : 8);
  }
}

TEST(Densify, TiesUnderTheCapGoToTheLowerRow) {
  Scene s = make_scene({kSmall, kSmall, kSmall});
  set_gradients(s, {1, 1, 1});
  densify_and_prune(s.cloud, s.adam, s.stats, {.max_gaussians = 4}, false, no_normals);
  EXPECT_EQ(colours(s.cloud), (std::vector<int>{0, 1, 2, 0}));
}

TEST(Densify, BigOnesGoOnlyWhenAsked) {
  const auto left = [](bool prune_big, bool screen) {
    Scene s = make_scene({kSmall, 0.4, kSmall, kSmall});  // 0.4 > 0.1 * 3.5
    set_gradients(s, {0, 0, 0, 1});
    s.stats.max_radii = torch::tensor({5.F, 5.F, 21.F, 30.F});
    densify_and_prune(s.cloud, s.adam, s.stats, {.prune_big_screen = screen}, prune_big, no_normals);
    return colours(s.cloud);
  };
  EXPECT_EQ(left(false, true), (std::vector<int>{0, 1, 2, 3, 3}));
  EXPECT_EQ(left(true, false), (std::vector<int>{0, 2, 3, 3}));
  EXPECT_EQ(left(true, true), (std::vector<int>{0}));  // a clone is as big as its original
}

TEST(Densify, UnseenAndBrokenGradientsDoNotMultiply) {
  Scene s = make_scene({kSmall, kSmall});
  s.stats.gradient_sum = torch::tensor({{0.F}, {NAN}});
  s.stats.gradient_count = torch::tensor({{0.F}, {1.F}});
  EXPECT_EQ(densify_and_prune(s.cloud, s.adam, s.stats, {}, false, no_normals).total, 2);
}

TEST(Densify, EverythingMayBePruned) {
  Scene s = make_scene({kSmall, kLarge});
  s.cloud.opacity_logits.fill_(-10);
  EXPECT_EQ(densify_and_prune(s.cloud, s.adam, s.stats, {}, false, no_normals).total, 0);
  EXPECT_EQ(s.cloud.count(), 0);
  EXPECT_EQ(s.adam.m[Cloud::kQuats].size(0), 0);
  EXPECT_FALSE(densify_if_due(s.cloud, s.adam, s.stats, {}, 200, 1));
  reset_opacity(s.cloud, s.adam);
}

TEST(Densify, StatisticsCountVisibleViewsOnly) {
  DensifyStats stats = DensifyStats::zeros(3);
  stats.add_view(torch::tensor({{3.F, 4.F}, {1.F, 0.F}, {NAN, 0.F}}), torch::tensor({7, 2, 0}, torch::kInt32));
  stats.add_view(torch::tensor({{0.F, 2.F}, {1.F, 1.F}, {6.F, 8.F}}), torch::tensor({4, 0, 9}, torch::kInt32));
  EXPECT_TRUE(stats.gradient_sum.equal(torch::tensor({{7.F}, {1.F}, {10.F}})));
  EXPECT_TRUE(stats.gradient_count.equal(torch::tensor({{2.F}, {1.F}, {1.F}})));
  EXPECT_TRUE(stats.max_radii.equal(torch::tensor({7.F, 2.F, 9.F})));
}

TEST(Densify, OpacityResetLowersOnlyWhatIsAbove) {
  Scene s = make_scene({kSmall, kSmall});
  s.cloud.opacity_logits = torch::tensor({{3.F}, {-6.F}});
  reset_opacity(s.cloud, s.adam);
  EXPECT_NEAR(s.cloud.opacity_logits.sigmoid()[0][0].item<double>(), 0.01, 1e-8);
  EXPECT_NEAR(s.cloud.opacity_logits[1][0].item<double>(), -6, 1e-5);
  EXPECT_EQ(s.adam.m[Cloud::kOpacityLogits].abs().max().item<double>(), 0);
  EXPECT_EQ(s.adam.v[Cloud::kOpacityLogits].abs().max().item<double>(), 0);
  EXPECT_EQ(s.adam.m[Cloud::kMeans].min().item<double>(), 1);
}

TEST(DensifyCalendar, DoesWhatIsDue) {
  // One faint Gaussian that any densification prunes, one big one that only later densifications prune, one that stays.
  const auto run = [](int64_t iteration) {
    Scene s = make_scene({kSmall, 0.4, kSmall});
    s.cloud.opacity_logits[0] = -10;
    const bool changed = densify_if_due(s.cloud, s.adam, s.stats, {}, iteration, 1);
    const bool reset = s.cloud.opacity_logits[-1].item<double>() < 0;
    return std::make_tuple(s.cloud.count(), changed, reset);
  };
  EXPECT_EQ(run(100), std::make_tuple(3, false, false));  // not at densify_from_iter itself
  EXPECT_EQ(run(150), std::make_tuple(3, false, false));
  EXPECT_EQ(run(200), std::make_tuple(2, true, false));
  EXPECT_EQ(run(300), std::make_tuple(2, true, true));  // big ones stay until after the interval; opacities are reset
  EXPECT_EQ(run(400), std::make_tuple(1, true, false));
  EXPECT_EQ(run(2900), std::make_tuple(1, true, false));
  EXPECT_EQ(run(3000), std::make_tuple(3, false, false));  // densify_until_iter: no densification and no reset
  EXPECT_EQ(run(3300), std::make_tuple(3, false, false));
}

TEST(DensifyCalendar, AfterTheLastDensificationOnlyRemovalGoesOn) {
  DensifyOptions options;
  options.densify_until_iter = 2000;
  options.prune_until_iter = 2300;
  options.prune_size = 0.02;
  const auto left = [&](int64_t iteration) {
    Scene s = make_scene({0.01, 0.03, 0.01, 0.01});  // the second is too large, the third too faint
    s.cloud.opacity_logits[2] = -10;
    set_gradients(s, {1, 1, 1, 1});  // all would be split or cloned
    DensifyReport report;
    const bool changed = densify_if_due(s.cloud, s.adam, s.stats, options, iteration, 1, &report);
    EXPECT_EQ(report.cloned + report.split, iteration < 2000 ? 4 : 0) << iteration;
    EXPECT_EQ(changed, s.cloud.count() != 4);
    return s.cloud.count();
  };
  EXPECT_GT(left(1900), 4);
  EXPECT_EQ(left(2000), 2);
  EXPECT_EQ(left(2150), 4) << "not due";
  EXPECT_EQ(left(2200), 2);
  EXPECT_EQ(left(2300), 4) << "the end";
}

TEST(DensifyCalendar, SplitsRepeatFromSeedAndIteration) {
  const auto run = [](uint64_t seed, int64_t iteration) {
    Scene s = make_scene({kLarge});
    set_gradients(s, {1});
    DensifyReport report;
    EXPECT_TRUE(densify_if_due(s.cloud, s.adam, s.stats, {}, iteration, seed, &report));
    EXPECT_EQ(report.split, 1);
    EXPECT_EQ(report.total, 2);
    return s.cloud.means;
  };
  EXPECT_TRUE(run(4, 200).equal(run(4, 200)));
  EXPECT_FALSE(run(4, 200).equal(run(5, 200)));
  EXPECT_FALSE(run(4, 200).equal(run(4, 400)));
}

}  // namespace
}  // namespace lucid::optim
