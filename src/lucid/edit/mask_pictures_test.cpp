// SPDX-License-Identifier: Apache-2.0
// Tests of masks by pictures: which Gaussians painted views mark, and which folders are refused.
#include "lucid/edit/mask_pictures.h"

#include <gtest/gtest.h>

#include "goldens.h"
#include "lucid/asset/pictures/image.h"
#include "lucid/base/error.h"
#include "lucid/gaussians/starts.h"
#include "lucid/train/outputs.h"

namespace lucid::edit {
namespace {

using gaussians::Cloud;
using torch::Tensor;

ViewOptions small_views() {
  ViewOptions views;
  views.width = views.height = 64;
  views.default_radius = 3.2;
  views.default_fovy = 0.68;
  return views;
}

/// Two balls, 300 Gaussians each, 0.9 apart along x; bright, so that colours are clamped.
Cloud two_balls() {
  Cloud cloud = gaussians::make_start({.count = 600, .radius = 0.3, .opacity = 0.7});
  cloud.means.slice(0, 0, 300).select(1, 0).sub_(0.45);
  cloud.means.slice(0, 300).select(1, 0).add_(0.45);
  cloud.sh_dc.fill_(-4);
  return cloud;
}

/// White where the first ball is, in the views 0, 1 and 4, where they stand side by side.
void paint(const std::filesystem::path& folder, const ViewOptions& views, int size) {
  Cloud first = two_balls();
  for (Tensor* parameter : first.parameters()) *parameter = parameter->slice(0, 0, 300).contiguous();
  gaussians::ViewRenderer renderer(torch::kCPU);
  const std::vector<Camera> cameras = test_views(views, size, size);
  for (const size_t i : {size_t{0}, size_t{1}, size_t{4}}) {
    const Tensor alpha = train::plain_view(first, cameras[i], renderer).alpha;
    asset::write_png(folder / (train::view_name(cameras[i]) + ".png"),
                     (alpha > 0.5).to(torch::kFloat).repeat({3, 1, 1}));
  }
}

TEST(EditMaskPictures, MarkTheGaussiansThatMakeUpTheWhiteParts) {
  const test::TemporaryFolder folder;
  const ViewOptions views = small_views();
  paint(folder.path, views, 96);  // of another size than the training views
  const auto pictures = read_mask_pictures(folder.path, views);
  ASSERT_EQ(pictures.size(), 3u);
  EXPECT_EQ(pictures[0].camera.width, 96);
  gaussians::ViewRenderer renderer(torch::kCPU);
  const Tensor inside = marked(two_balls(), pictures, renderer);
  EXPECT_GT(inside.slice(0, 0, 300).sum().item<int64_t>(), 270);
  EXPECT_LT(inside.slice(0, 300).sum().item<int64_t>(), 15);

  const std::vector<Camera> cameras = test_views(views, 64, 64);
  EXPECT_GT(white_pixels(pictures, cameras[4]).sum().item<int64_t>(), 50);
  EXPECT_EQ(white_pixels(pictures, cameras[4]).size(0), 64);
  EXPECT_FALSE(white_pixels(pictures, cameras[2]).defined());
}

TEST(EditMaskPictures, FoldersWithoutTestViewsAreRefused) {
  const test::TemporaryFolder folder;
  const ViewOptions views = small_views();
  const auto mistake = [&](const std::filesystem::path& at) -> std::string {
    try {
      read_mask_pictures(at, views);
    } catch (const UserError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(mistake(folder.path / "nowhere").find("not a folder"), std::string::npos);
  asset::write_png(folder.path / "left.png", torch::ones({3, 8, 8}));
  EXPECT_NE(mistake(folder.path).find("named as a test view"), std::string::npos);
  const std::string name = train::view_name(test_views(views, 8, 8).front());
  EXPECT_NE(mistake(folder.path).find(name), std::string::npos);
  asset::write_png(folder.path / (name + ".png"), torch::ones({3, 8, 12}));
  EXPECT_NE(mistake(folder.path).find("12 x 8 pixels"), std::string::npos);
}

}  // namespace
}  // namespace lucid::edit
