// SPDX-License-Identifier: Apache-2.0
// `lucid render` from the command line: every kind of picture and animation, and one clear line for each mistake.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "goldens.h"
#include "lucid/asset/pictures/image.h"
#include "lucid/asset/pictures/video.h"
#include "lucid/asset/splats/ply.h"
#include "lucid/base/atomic_file.h"
#include "lucid/math/sh.h"
#include "process.h"

namespace {
namespace fs = std::filesystem;
using lucid::asset::read_png;
using lucid::test::expect_one_line;
using lucid::test::lucid_run;
using lucid::test::Outcome;
using lucid::test::TemporaryFolder;
using Words = std::vector<std::string>;

constexpr float kRadius = 0.8F;

/// A red ball of small opaque Gaussians around `centre`, `scale` times as large as one that suits the default camera.
std::string write_red_ball(const fs::path& file, float scale = 1, float centre = 0) {
  constexpr int64_t kCount = 1500;
  torch::manual_seed(1);
  lucid::gaussians::Cloud cloud;
  cloud.means = scale * kRadius * torch::nn::functional::normalize(torch::randn({kCount, 3})) + centre;
  cloud.sh_dc = ((torch::tensor({1.0f, 0.0f, 0.0f}) - 0.5) / lucid::kSh0).expand({kCount, 1, 3}).contiguous();
  cloud.sh_rest = torch::zeros({kCount, 0, 3});
  cloud.opacity_logits = torch::full({kCount, 1}, 4.0f);
  cloud.log_scales = torch::full({kCount, 3}, std::log(0.06f * scale));
  cloud.quats = torch::tensor({1.0f, 0.0f, 0.0f, 0.0f}).expand({kCount, 4}).contiguous();
  lucid::asset::write_ply(file, cloud);
  return file.string();
}

class RenderCommand : public ::testing::Test {
 protected:
  /// Runs `lucid render`, which must succeed.
  Outcome run(Words arguments) {
    arguments.insert(arguments.begin(), "render");
    Outcome outcome = lucid_run(arguments, folder_);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return outcome;
  }
  void refused(Words arguments, const Words& parts) {
    arguments.insert(arguments.begin(), "render");
    expect_one_line(lucid_run(arguments, folder_), parts);
  }
  std::string path(const std::string& name) const { return (folder_.path / name).string(); }
  torch::Tensor picture(const Words& more, const std::string& size = "64") {
    Words arguments = {ball_, "-o", path("a.png"), "--size", size};
    arguments.insert(arguments.end(), more.begin(), more.end());
    run(arguments);
    return read_png(path("a.png"));
  }

  const TemporaryFolder folder_;
  const std::string ball_ = write_red_ball(folder_.path / "ball.ply");
};

torch::Tensor pixel(const torch::Tensor& image, int64_t y, int64_t x) { return image.select(2, x).select(1, y); }

double distance(const torch::Tensor& a, const std::vector<float>& b) {
  return (a - torch::tensor(b)).abs().max().item<double>();
}

TEST_F(RenderCommand, PicturesOfEveryChannelBackgroundAndSize) {
  const torch::Tensor plain = picture({});
  ASSERT_EQ(plain.sizes(), (std::vector<int64_t>{3, 64, 64}));
  EXPECT_LT(distance(pixel(plain, 32, 32), {1, 0, 0}), 0.05);
  EXPECT_LT(distance(pixel(plain, 0, 0), {1, 1, 1}), 1e-6);

  const torch::Tensor all = picture({"--channels", "rgb,depth,normals,alpha", "--background", "#204060"}, "48x32");
  ASSERT_EQ(all.sizes(), (std::vector<int64_t>{3, 32, 4 * 48}));
  for (const int64_t x : {0, 48, 96}) {
    EXPECT_LT(distance(pixel(all, 0, x), {32 / 255.0f, 64 / 255.0f, 96 / 255.0f}), 1e-6) << x;
  }
  EXPECT_LT(distance(pixel(all, 0, 144), {0, 0, 0}), 1e-6);
  EXPECT_LT(distance(pixel(all, 16, 24), {1, 0, 0}), 0.05);
  EXPECT_LT(distance(pixel(all, 16, 96 + 24), {0.5, 0.5, 1}), 0.25) << "it faces the camera";
  EXPECT_LT(distance(pixel(all, 16, 144 + 24), {1, 1, 1}), 0.05);

  EXPECT_LT((picture({"--supersample", "2"}) - plain).abs().mean().item<double>(), 0.03);
  EXPECT_LT(distance(pixel(picture({"--background", "black", "--depth"}), 0, 0), {0, 0, 0}), 1e-6);
  picture({"--background", "transparent"});
  const std::string png = lucid::read_file(path("a.png"));
  EXPECT_EQ(png[25], 6) << "the colour type of RGB with alpha";
}

TEST_F(RenderCommand, AnimationsByTheExtension) {
  const Words orbit = {"--frames", "3",  "--size", "32",    "--orbit", "0",          "90",
                       "--polar",  "60", "100",    "--fps", "10",      "--progress", "json"};
  std::vector<std::pair<std::string, std::string>> kinds = {{"a.gif", "GIF89a"}, {"a.webp", "RIFF"}};
  if (lucid::asset::can_write_videos()) {
    kinds.emplace_back("a.mp4", std::string("\0\0\0", 3));
    kinds.emplace_back("a.webm", "\x1A\x45\xDF\xA3");
  }
  for (const auto& [name, magic] : kinds) {
    Words arguments = {ball_, "-o", path(name), "--channels", "rgb,normals"};
    arguments.insert(arguments.end(), orbit.begin(), orbit.end());
    const Outcome outcome = run(arguments);
    EXPECT_TRUE(lucid::read_file(path(name)).starts_with(magic)) << name;
    std::istringstream lines(outcome.out);
    int64_t done = 0;
    for (std::string line; std::getline(lines, line);) EXPECT_EQ(nlohmann::json::parse(line)["step"], ++done);
    EXPECT_EQ(done, 3) << name;
  }
}

TEST_F(RenderCommand, TurntablesInAFolder) {
  if (!lucid::asset::can_write_videos()) GTEST_SKIP() << "this build writes no videos (LUCID_VIDEO=OFF)";
  run({ball_, "--turntable", "-o", path("videos"), "--frames", "3", "--size", "32", "--progress", "off"});
  for (const char* name : {"turntable_rgb", "turntable_depth", "turntable_above_rgb", "turntable_above_depth"})
    EXPECT_TRUE(fs::exists(folder_.path / "videos" / (std::string(name) + ".mp4"))) << name;
}

TEST_F(RenderCommand, CaptionsStandBelowThePicturesOfASheet) {
  const std::string run_folder = path("a_red_ball");
  const std::string other = write_red_ball(fs::path(run_folder) / "point_cloud" / "iteration_5" / "point_cloud.ply");
  const Words sheet = {ball_, other, "--sheet", "2", "--size", "60", "-o", path("s.png")};
  const auto with = [&](const Words& more) {
    Words arguments = sheet;
    arguments.insert(arguments.end(), more.begin(), more.end());
    run(arguments);
    return read_png(path("s.png"));
  };
  const torch::Tensor plain = with({}), named = with({"--captions"});
  const torch::Tensor typed = with({"--captions", "ball", "a_red_ball"});
  ASSERT_EQ(plain.sizes(), (std::vector<int64_t>{3, 122, 122}));
  EXPECT_TRUE(torch::equal(named, typed)) << "the name of the file, and that of the run";
  EXPECT_FALSE(torch::equal(named, with({"--captions", "ball", "a red ball"})));
  const int64_t band = (named.size(1) - 122) / 2;
  ASSERT_GT(band, 10);
  EXPECT_TRUE(torch::equal(named.narrow(1, 0, 60), plain.narrow(1, 0, 60))) << "nothing covers the pictures";
  EXPECT_TRUE(torch::equal(named.narrow(1, 60 + band + 2, 60), plain.narrow(1, 62, 60)));
  for (const int64_t row : {int64_t{60}, 60 + band + 2 + 60}) {
    const torch::Tensor caption = named.narrow(1, row, band);
    EXPECT_LT(caption.min().item<float>(), 0.2f) << row;
    EXPECT_GT(caption.mean().item<float>(), 0.6f) << row;
  }
}

TEST_F(RenderCommand, FitFramesAnAssetFromElsewhere) {
  const std::string huge = write_red_ball(folder_.path / "huge.ply", 300, 5000);
  const Outcome lost = run({huge, "-o", path("h.png"), "--size", "64"});
  EXPECT_NE(lost.err.find("--fit frames it"), std::string::npos) << lost.err;
  const Outcome found = run({huge, "-o", path("h.png"), "--size", "64", "--fit"});
  EXPECT_EQ(found.err.find("--fit"), std::string::npos) << found.err;
  const torch::Tensor image = read_png(path("h.png"));
  EXPECT_LT(distance(pixel(image, 32, 32), {1, 0, 0}), 0.05);
  EXPECT_LT(distance(pixel(image, 0, 0), {1, 1, 1}), 0.01);
  EXPECT_LT(distance(pixel(image, 8, 32), {1, 0, 0}), 0.3) << "it fills the picture";
  EXPECT_EQ(run({ball_, "-o", path("h.png"), "--size", "64"}).err.find("--fit"), std::string::npos);
}

TEST_F(RenderCommand, MistakesAreOneClearLine) {
  refused({ball_, "-o", path("a.jpg")}, {"--output", "'.jpg'", ".png"});
  refused({ball_, "-o", path("a.gif"), "--frames", "0"}, {"--frames", "0 is not in"});
  refused({ball_, "-o", path("a.gif"), "--fps", "60"}, {"--fps", "[1, 50]"});
  refused({ball_, "-o", path("a.mp4"), "--fps", "0"}, {"--fps"});
  refused({ball_, "--background", "#12345"}, {"--background", "#rrggbb"});
  refused({ball_, "--background", "#-12345"}, {"--background", "#rrggbb"});
  refused({ball_, "--background", "reddish"}, {"--background", "'reddish'"});
  refused({ball_, "-o", path("a.mp4"), "--background", "transparent"}, {"--background", ".webm"});
  refused({ball_, "--turntable", "--background", "transparent"}, {"--background", ".webm"});
  refused({ball_, "--turntable", "--channels", "rgb"}, {"--channels", "--turntable"});
  refused({ball_, "--channels", "rgb,normal"}, {"--channels", "no channel 'normal'", "normals"});
  refused({ball_, "--channels", "rgb", "--depth"}, {"--channels", "--depth"});
  for (const char* size : {"0", "9000", "x", "10x", "10x20x30", "-5", "12.5", "64px"})
    refused({ball_, "--size", size}, {"--size"});
  refused({ball_, "--supersample", "0"}, {"--supersample"});
  refused({ball_, "--size", "8192", "--supersample", "4", "-o", path("a.png")}, {"too large"});
  refused({ball_, ball_}, {"--sheet"});
  refused({ball_, "--captions"}, {"--captions", "--sheet"});
  refused({ball_, ball_, "--sheet", "2", "--captions", "one"}, {"--captions", "1 captions for 2 assets"});
  refused({ball_, "--sheet", "2", "-o", path("a.gif")}, {"--sheet", "-o FILE.png"});
  refused({ball_, "--polar", "90"}, {"--polar", "animation"});
  refused({ball_, "-o", path("a.gif"), "--polar", "190"}, {"--polar", "190"});
  refused({ball_, "-o", path("a.gif"), "--orbit", "0", "1e9"}, {"--orbit"});
  refused({ball_, "--progress", "loud"}, {"--progress", "plain"});
  refused({ball_, "--axes", "up"}, {"--axes", "y-down"});
  refused({ball_, "-o", "/proc/lucid/a.png"}, {"/proc/lucid"});
}

}  // namespace
