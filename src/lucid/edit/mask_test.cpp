// SPDX-License-Identifier: Apache-2.0
// Tests of masks: parsing, membership, projection, and the pixels that look into the volume.
#include "lucid/edit/mask.h"

#include <gtest/gtest.h>

#include "lucid/base/error.h"
#include "lucid/camera/sampler.h"
#include "lucid/gaussians/starts.h"
#include "lucid/gaussians/view_renderer.h"

namespace lucid::edit {
namespace {

using torch::Tensor;

EditOptions masked(const std::string& box, const std::string& sphere = "") {
  EditOptions options;
  options.mask_box = box;
  options.mask_sphere = sphere;
  return options;
}
Mask box(const std::string& numbers) { return *Mask::of(masked(numbers)); }
Mask sphere(const std::string& numbers) { return *Mask::of(masked("", numbers)); }

std::string mistake_of(const EditOptions& options) {
  try {
    Mask::of(options);
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

TEST(EditMask, IsABoxOrASphereOrNone) {
  EXPECT_FALSE(Mask::of({}).has_value());
  const Tensor points =
      torch::tensor({{0.0F, 0.0F, 0.0F}, {0.4F, 0.0F, 0.0F}, {0.0F, 0.0F, 1.2F}, {-0.3F, 0.9F, 0.1F}});
  const auto inside = [&](const Mask& mask) {
    const Tensor which = mask.inside(points);
    std::string text;
    for (int64_t i = 0; i < 4; ++i) text += which[i].item<bool>() ? '1' : '0';
    return text;
  };
  EXPECT_EQ(inside(box("-1,-1,-1,0.3,1,1")), "1001");
  EXPECT_EQ(inside(box("0.3,1,1,-1,-1,-1")), "1001") << "corners in any order";
  EXPECT_EQ(inside(sphere("0,0,1,0.5")), "0010");
  EXPECT_EQ(inside(sphere("0,0,0,0.5")), "1100");
}

TEST(EditMask, MalformedOnesAreRefused) {
  for (const char* text : {"1,2,3", "1,2,3,4,5,6,7", "a,b,c,d,e,f", "1,2,3,4,5,nan", "1,2,3,4,5,", "1 2 3 4 5 6"})
    EXPECT_NE(mistake_of(masked(text)).find("six numbers"), std::string::npos) << text;
  EXPECT_NE(mistake_of(masked("", "0,0,0")).find("four numbers"), std::string::npos);
  EXPECT_NE(mistake_of(masked("", "0,0,0,-1")).find("not positive"), std::string::npos);
  EXPECT_NE(mistake_of(masked("0,0,0,1,1,1", "0,0,0,1")).find("two masks"), std::string::npos);
}

TEST(EditMask, ConfinesCentresToTheNearestPointInside) {
  for (const Mask& mask : {box("-0.3,-0.2,-0.1,0.3,0.2,0.4"), sphere("0.1,0,0.2,0.25")}) {
    gaussians::Cloud cloud = gaussians::make_start({.count = 500, .radius = 0.8});
    const Tensor before = cloud.means.clone(), was_inside = mask.inside(before);
    ASSERT_GT(was_inside.sum().item<int64_t>(), 5);
    mask.confine(cloud);
    const Tensor inside = cloud.means.index({was_inside});
    EXPECT_TRUE(inside.equal(before.index({was_inside}))) << "those inside stay";
    gaussians::Cloud again = cloud;
    mask.confine(again);
    EXPECT_LT((again.means - cloud.means).abs().max().item<double>(), 1e-6);
    // No other point of the volume is nearer.
    const Tensor moved = (cloud.means - before).norm(2, 1), others = before.index({was_inside});
    EXPECT_TRUE((std::get<0>(torch::cdist(before, others).min(1)) + 1e-5 >= moved).all().item<bool>());
  }
}

TEST(EditMask, CoversThePixelsThatShowWhatIsInside) {
  const Camera camera = orbit_camera(70, 35, 3.2, 0.68, 240, 160);
  gaussians::ViewRenderer renderer(torch::kCPU);
  for (const Mask& mask : {box("-0.5,0.1,-0.2,0.1,0.5,0.5"), sphere("-0.2,0.1,0.3,0.3")}) {
    // Many small dense Gaussians fill the volume: they cover the same pixels, but for the outline.
    gaussians::Cloud cloud = gaussians::make_start({.count = 60000, .radius = 1.5, .opacity = 0.95});
    cloud = split(cloud, mask.inside(cloud.means)).inside;
    cloud.log_scales.fill_(std::log(0.01));
    const Tensor shown = renderer.forward(0, gaussians::activate(cloud), camera, {1, 1, 1}).alpha[0] > 0.2;
    const Tensor covered = mask.covers(camera);
    EXPECT_EQ(covered.sizes(), shown.sizes());
    const double both = (covered & shown).sum().item<double>(), either = (covered | shown).sum().item<double>();
    EXPECT_GT(both / either, 0.8);
    EXPECT_GT(both, 100);
  }
}

TEST(EditMask, SplitsACloudAndSaysWhereItIsIfNothingIsInside) {
  const gaussians::Cloud cloud = gaussians::make_start({.count = 1000, .radius = 0.7});
  const Parts parts = split(cloud, box("-1,-1,0,1,1,1").inside(cloud.means));
  EXPECT_EQ(parts.inside.count() + parts.outside.count(), 1000);
  EXPECT_GE(parts.inside.means.select(1, 2).min().item<float>(), 0);
  EXPECT_LT(parts.outside.means.select(1, 2).max().item<float>(), 0);
  try {
    split(cloud, sphere("5,5,5,0.1").inside(cloud.means));
    FAIL() << "was accepted";
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("none of the 1000 Gaussians"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("they lie between"), std::string::npos);
  }
}

}  // namespace
}  // namespace lucid::edit
