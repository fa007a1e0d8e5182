// SPDX-License-Identifier: Apache-2.0
// Tests of pictures of a cloud: channels, backgrounds, transparency, supersampling, depth ranges.
#include "lucid/asset/pictures/view_picture.h"

#include <gtest/gtest.h>

#include <set>

#include "goldens.h"
#include "lucid/asset/pictures/image.h"
#include "lucid/asset/pictures/turntable.h"
#include "lucid/asset/pictures/video.h"
#include "lucid/asset/test_files.h"
#include "lucid/base/error.h"
#include "lucid/camera/sampler.h"

namespace lucid::asset {
namespace {

constexpr int kPixels = 48;

/// Coloured blobs around the origin, some of them solid.
gaussians::Activated blobs() {
  gaussians::Cloud cloud = test::random_cloud(150, 1);
  cloud.means = cloud.means * 0.3;
  cloud.log_scales = cloud.log_scales * 0.3 - 2.5;
  cloud.opacity_logits = cloud.opacity_logits * 3 + 1;
  cloud.sh_dc = cloud.sh_dc.clamp(-1.3, 1.3);  // no colour above 1
  cloud.sh_rest = cloud.sh_rest * 0.03;
  return gaussians::activate(cloud, {.active_degree = 1});
}

Camera side_camera(int size = kPixels, double phi = 30) { return orbit_camera(75, phi, 3.5, 0.55, size, size); }

double most(const torch::Tensor& x) { return x.abs().max().item<double>(); }

TEST(ViewPicture, ColoursAreTheRasterisersOverAnyBackground) {
  gaussians::ViewRenderer renderer;
  const gaussians::Activated cloud = blobs();
  for (const std::array<float, 3>& colour : {std::array{1.0f, 1.0f, 1.0f}, std::array{0.0f, 0.3f, 0.8f}}) {
    const torch::Tensor expected = renderer.forward(0, cloud, side_camera(), colour).rgb.clamp(0, 1);
    const torch::Tensor picture = view_picture(cloud, side_camera(), {.background = {.rgb = colour}}, renderer);
    ASSERT_EQ(picture.sizes(), (std::vector<int64_t>{3, kPixels, kPixels}));
    EXPECT_LT(most(picture - expected), 1e-5);
  }
}

TEST(ViewPicture, TransparentPicturesGiveTheOpaqueOnesOverTheirBackground) {
  gaussians::ViewRenderer renderer;
  const gaussians::Activated cloud = blobs();
  for (const Channel channel : {Channel::kRgb, Channel::kDepth, Channel::kNormals, Channel::kAlpha}) {
    for (const int factor : {1, 3}) {
      const PictureStyle clear{.channels = {channel}, .background = {.transparent = true}, .supersample = factor};
      const torch::Tensor rgba = view_picture(cloud, side_camera(), clear, renderer);
      ASSERT_EQ(rgba.size(0), 4);
      const torch::Tensor alpha = rgba.narrow(0, 3, 1);
      EXPECT_LT(alpha.min().item<float>(), channel == Channel::kAlpha ? 2.0f : 0.01f);
      PictureStyle solid = clear;
      solid.background = {.rgb = {0.2f, 0.9f, 0.4f}};
      const torch::Tensor behind = torch::tensor({0.2f, 0.9f, 0.4f}).view({3, 1, 1});
      const torch::Tensor over = rgba.narrow(0, 0, 3) * alpha + behind * (1 - alpha);
      EXPECT_LT(most(over - view_picture(cloud, side_camera(), solid, renderer)), 1e-5) << static_cast<int>(channel);
    }
  }
}

TEST(ViewPicture, ChannelsStandSideBySideInTheOrderGiven) {
  gaussians::ViewRenderer renderer;
  const gaussians::Activated cloud = blobs();
  const std::vector<Channel> channels = {Channel::kNormals, Channel::kAlpha, Channel::kRgb, Channel::kDepth};
  const torch::Tensor all = view_picture(cloud, side_camera(), {.channels = channels}, renderer);
  ASSERT_EQ(all.sizes(), (std::vector<int64_t>{3, kPixels, 4 * kPixels}));
  for (size_t i = 0; i < channels.size(); ++i) {
    const torch::Tensor one = view_picture(cloud, side_camera(), {.channels = {channels[i]}}, renderer);
    EXPECT_TRUE(torch::equal(all.narrow(2, static_cast<int64_t>(i) * kPixels, kPixels), one)) << i;
  }
  const gaussians::RenderedView view = renderer.forward(0, cloud, side_camera(), {0, 0, 0});
  EXPECT_LT(most(all.narrow(2, kPixels, kPixels) - view.alpha.expand({3, -1, -1})), 1e-6);
  EXPECT_LT(most(all.narrow(2, 3 * kPixels, kPixels) - depth_image(view.depth, view.alpha)), 1e-5);
  const torch::Tensor faint = (view.alpha < 0.5).expand({3, -1, -1});
  EXPECT_EQ(all.narrow(2, 0, kPixels).masked_select(faint).min().item<float>(), 1.0f) << "normals on white";
}

TEST(ViewPicture, SupersamplingKeepsTheMeanAndApproachesTheTrueAverage) {
  gaussians::ViewRenderer renderer;
  const gaussians::Activated cloud = blobs();
  const auto at = [&](int factor) {  // normals have a hard outline at alpha 0.5
    return view_picture(cloud, side_camera(), {.channels = {Channel::kRgb, Channel::kNormals}, .supersample = factor},
                        renderer);
  };
  const torch::Tensor truth = at(16), plain = at(1), better = at(4);
  EXPECT_NEAR(plain.mean().item<double>(), truth.mean().item<double>(), 0.01);
  EXPECT_NEAR(better.mean().item<double>(), truth.mean().item<double>(), 0.003);
  EXPECT_LT((better - truth).abs().mean().item<double>(), 0.4 * (plain - truth).abs().mean().item<double>());
  EXPECT_THROW(view_picture(cloud, side_camera(8192), {.supersample = 2}, renderer), UserError);
}

TEST(ViewPicture, AllFramesShareOneRangeOfDepth) {
  gaussians::ViewRenderer renderer;
  const gaussians::Activated cloud = blobs();
  std::vector<Camera> cameras;
  for (int i = 0; i < 8; ++i) cameras.push_back(side_camera(kPixels, 45 * i));
  const std::optional<DepthRange> shared = shared_depth_range(cloud, cameras, renderer);
  ASSERT_TRUE(shared.has_value());
  float nearest = 1e9f, farthest = 0;
  for (const Camera& camera : cameras) {
    const gaussians::RenderedView view = renderer.forward(0, cloud, camera, {0, 0, 0});
    const DepthRange own = *visible_range(view.depth, view.alpha);
    nearest = std::min(nearest, own.near);
    farthest = std::max(farthest, own.far);
  }
  EXPECT_NEAR(shared->near, nearest, 0.1);
  EXPECT_NEAR(shared->far, farthest, 0.1);
  const PictureStyle style{.channels = {Channel::kDepth}, .depth_range = DepthRange{.near = 3.5f, .far = 3.5f}};
  EXPECT_FALSE(view_picture(cloud, cameras[0], style, renderer).isnan().any().item<bool>());
}

TEST(ViewPicture, AnEmptyViewIsBackground) {
  gaussians::ViewRenderer renderer;
  gaussians::Cloud cloud = test::random_cloud(5, 0);
  cloud.opacity_logits = torch::full_like(cloud.opacity_logits, -20.0f);
  const gaussians::Activated clear = gaussians::activate(cloud, {.active_degree = 0});
  PictureStyle style{.channels = {Channel::kRgb, Channel::kDepth, Channel::kNormals}};
  EXPECT_EQ(view_picture(clear, side_camera(), style, renderer).min().item<float>(), 1.0f);
  style.background.transparent = true;
  EXPECT_EQ(most(view_picture(clear, side_camera(), style, renderer)[3]), 0);
  EXPECT_FALSE(shared_depth_range(clear, {side_camera()}, renderer).has_value());
}

TEST(Turntable, WritesEveryFrameOfTheOrbit) {
  gaussians::ViewRenderer renderer;
  const gaussians::Activated cloud = blobs();
  const lucid::test::TemporaryFolder folder;
  std::vector<Camera> cameras;
  for (int i = 0; i < 3; ++i) cameras.push_back(side_camera(kPixels, 120 * i));
  std::vector<int64_t> done;
  const Turntable turntable{.cameras = cameras,
                            .style = {.channels = {Channel::kRgb, Channel::kDepth}},
                            .on_frame = [&](int64_t i) { done.push_back(i); }};
  write_turntable(folder.path / "turn.webp", cloud, turntable, renderer);
  EXPECT_EQ(done, (std::vector<int64_t>{1, 2, 3}));
  if (!can_write_videos()) return;
  write_rgb_and_depth(folder.path, "both", cloud, turntable, renderer);
  EXPECT_TRUE(std::filesystem::exists(folder.path / "both_rgb.mp4"));
  EXPECT_TRUE(std::filesystem::exists(folder.path / "both_depth.mp4"));
  EXPECT_EQ(done.size(), 6u);
}

}  // namespace
}  // namespace lucid::asset
