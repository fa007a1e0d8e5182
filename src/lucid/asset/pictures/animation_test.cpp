// SPDX-License-Identifier: Apache-2.0
// Tests of animations in every format: frames, size, rate, colours and transparency as other programs read them.
#include "lucid/asset/pictures/animation.h"

#include <gtest/gtest.h>
#include <webp/decode.h>
#include <webp/mux.h>

#include <cmath>
#include <numeric>

#include "goldens.h"
#include "lucid/asset/pictures/animation_format.h"
#include "lucid/asset/pictures/test_decode.h"
#include "lucid/asset/pictures/video.h"
#include "lucid/asset/test_files.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "mistakes.h"

namespace lucid::asset {
namespace {

constexpr int kWide = 66, kHigh = 48, kFrameCount = 10, kRate = 20;

Animation opaque_animation() {
  return {.frames = kFrameCount, .fps = kRate, .draw = [](int64_t i) { return test::moving_square(kWide, kHigh, i); }};
}

Animation transparent_animation() {
  return {.frames = kFrameCount, .fps = kRate, .draw = [](int64_t i) {
            return test::half_transparent_square(kWide, kHigh, i);
          }};
}

struct WebpFrames {
  std::vector<torch::Tensor> frames;  // [4,H,W] each
  std::vector<int> durations;         // milliseconds
};

/// Decodes an animated WebP with libwebp's decoder of still pictures, and puts the parts together as the format says.
WebpFrames decoded_webp(const std::filesystem::path& file) {
  const std::string bytes = read_file(file);
  const WebPData data{reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
  const std::unique_ptr<WebPMux, void (*)(WebPMux*)> mux(WebPMuxCreate(&data, 0), WebPMuxDelete);
  WebpFrames result;
  int width = 0, height = 0;
  if (mux == nullptr || WebPMuxGetCanvasSize(mux.get(), &width, &height) != WEBP_MUX_OK) return result;
  torch::Tensor canvas = torch::zeros({4, height, width});
  WebPMuxFrameInfo info{};
  for (uint32_t n = 1; WebPMuxGetFrame(mux.get(), n, &info) == WEBP_MUX_OK; ++n) {
    int w = 0, h = 0;
    uint8_t* pixels = WebPDecodeRGBA(info.bitstream.bytes, info.bitstream.size, &w, &h);
    WebPDataClear(&info.bitstream);
    if (pixels == nullptr) return result;
    const torch::Tensor part = torch::from_blob(pixels, {h, w, 4}, torch::kUInt8).permute({2, 0, 1}) / 255.0;
    WebPFree(pixels);
    torch::Tensor place = canvas.narrow(1, info.y_offset, h).narrow(2, info.x_offset, w);
    const torch::Tensor alpha = part.narrow(0, 3, 1);
    const bool blends = info.blend_method == WEBP_MUX_BLEND;
    place.copy_(blends ? torch::where(alpha > 0.5, part, place) : part);
    result.frames.push_back(canvas.clone());
    result.durations.push_back(info.duration);
    if (info.dispose_method == WEBP_MUX_DISPOSE_BACKGROUND) place.zero_();
  }
  return result;
}

/// Each frame of a file [4,H,W], whatever its format.
std::vector<torch::Tensor> frames_of(const std::filesystem::path& file, bool transparent) {
  if (file.extension() == ".webp") return decoded_webp(file).frames;
  const bool vp9 = file.extension() == ".webm" && transparent;  // ffmpeg's own decoder ignores alpha
  return test::decoded(file, kWide, kHigh, vp9 ? "-c:v libvpx-vp9" : "");
}

bool can_be_tried(const AnimationRow& row) {
  const bool video = row.format == AnimationFormat::kMp4 || row.format == AnimationFormat::kWebm;
  return can_write_videos() || !video;
}

class AnimationFile : public ::testing::TestWithParam<AnimationRow> {
 protected:
  void SetUp() override {
    if (!can_be_tried(GetParam())) GTEST_SKIP() << "this build writes no videos (LUCID_VIDEO=OFF)";
    if (!test::on_path("ffmpeg")) GTEST_SKIP() << "ffmpeg is not on the PATH";
  }
  const lucid::test::TemporaryFolder folder_;
  const std::filesystem::path file_ = folder_.path / ("turn" + std::string(GetParam().extension));
};

TEST_P(AnimationFile, FramesAndColoursComeBack) {
  write_animation(file_, opaque_animation());
  const std::vector<torch::Tensor> frames = frames_of(file_, false);
  ASSERT_EQ(frames.size(), size_t{kFrameCount});
  for (int i = 0; i < kFrameCount; ++i) {
    const torch::Tensor& frame = frames[static_cast<size_t>(i)];
    ASSERT_EQ(frame.sizes(), (std::vector<int64_t>{4, kHigh, kWide}));
    const torch::Tensor error = frame.narrow(0, 0, 3) - test::moving_square(kWide, kHigh, i);
    EXPECT_LT(error.abs().mean().item<double>(), 0.02) << i;
    EXPECT_LT(error.narrow(1, 6, 4).narrow(2, i * 3 + 2, 4).abs().mean().item<double>(), 0.04) << i;
    EXPECT_EQ(frame[3].min().item<float>(), 1.0f) << i;
  }
}

TEST_P(AnimationFile, KeepsTimeAndReportsProgress) {
  for (const int rate : {20, 30}) {  // a GIF has no delay of a thirtieth of a second
    Animation animation = opaque_animation();
    animation.fps = rate;
    std::vector<int64_t> done;
    animation.on_frame = [&](int64_t i) { done.push_back(i); };
    write_animation(file_, animation);
    std::vector<int64_t> expected(kFrameCount);
    std::iota(expected.begin(), expected.end(), 1);
    EXPECT_EQ(done, expected);
    double seconds = 0;
    if (GetParam().format == AnimationFormat::kWebp) {
      for (const int duration : decoded_webp(file_).durations) seconds += duration / 1000.0;
    } else {
      const auto report = test::probed(file_);
      EXPECT_EQ(report.at("streams").at(0).at("nb_read_frames"), std::to_string(kFrameCount));
      seconds = std::stod(report.at("format").at("duration").get<std::string>());
    }
    EXPECT_NEAR(seconds, double{kFrameCount} / rate, 0.006) << rate;
  }
}

TEST_P(AnimationFile, TransparentFramesStayTransparentOrAreRefused) {
  if (!GetParam().transparent) {
    const UserMistake mistake = lucid::test::mistake_of([&] { write_animation(file_, transparent_animation()); });
    EXPECT_NE(mistake.what_happened.find("no transparent pixels"), std::string::npos);
    EXPECT_EQ(test::files_in(folder_.path), 0u);
    return;
  }
  write_animation(file_, transparent_animation());
  const std::vector<torch::Tensor> frames = frames_of(file_, true);
  ASSERT_EQ(frames.size(), size_t{kFrameCount});
  for (int i = 0; i < kFrameCount; ++i) {
    const torch::Tensor& frame = frames[static_cast<size_t>(i)];
    const torch::Tensor wanted = test::half_transparent_square(kWide, kHigh, i);
    EXPECT_LT((frame[3] - wanted[3]).abs().mean().item<double>(), 0.02) << i;
    EXPECT_LT(frame[3].narrow(0, kHigh / 2 + 2, kHigh / 2 - 2).max().item<double>(), 0.05) << i;
    const torch::Tensor error = (frame - wanted).narrow(0, 0, 3).narrow(1, 0, kHigh / 2 - 2);
    EXPECT_LT(error.abs().mean().item<double>(), 0.025) << i;
    EXPECT_LT(error.narrow(1, 6, 4).narrow(2, i * 3 + 2, 4).abs().mean().item<double>(), 0.04) << i;
  }
}

TEST_P(AnimationFile, TheSameFramesGiveTheSameBytes) {
  write_animation(file_, opaque_animation());
  const std::string first = read_file(file_);
  write_animation(file_, opaque_animation());
  EXPECT_TRUE(first == read_file(file_));
}

TEST_P(AnimationFile, AFullDiskLeavesTheOldFile) {
  write_file(file_, "the old one");
  const test::SmallDisk disk(600);
  EXPECT_THROW(write_animation(file_, opaque_animation()), UserError);
  EXPECT_EQ(read_file(file_), "the old one");
  EXPECT_EQ(test::files_in(folder_.path), 1u);
}

TEST_P(AnimationFile, RatesOutOfRangeAreTheUsersMistake) {
  for (const int rate : {0, GetParam().most_fps + 1}) {
    Animation animation = opaque_animation();
    animation.fps = rate;
    EXPECT_EQ(lucid::test::mistake_of([&] { write_animation(file_, animation); }).file, file_.string()) << rate;
  }
  EXPECT_EQ(test::files_in(folder_.path), 0u);
}

INSTANTIATE_TEST_SUITE_P(Formats, AnimationFile, ::testing::ValuesIn(kAnimationFormats),
                         [](const auto& info) { return std::string(info.param.extension.substr(1)); });

TEST(AnimationFormats, AreChosenByTheExtensionInAnyCase) {
  EXPECT_EQ(animation_of("a/b.GIF")->format, AnimationFormat::kGif);
  EXPECT_EQ(animation_of("x.y.webm")->format, AnimationFormat::kWebm);
  for (const char* other : {"a.png", "mp4", "folder.mp4/a", ""}) EXPECT_EQ(animation_of(other), nullptr) << other;
  const lucid::test::TemporaryFolder folder;
  EXPECT_THROW(write_animation(folder.path / "a.avi", opaque_animation()), UserError);
  EXPECT_THROW(write_animation(folder.path / "a.gif", {.frames = 0, .draw = {}}), UserError);
}

TEST(WebpAnimation, OneFrameAndOddSizes) {
  const lucid::test::TemporaryFolder folder;
  const auto file = folder.path / "a.webp";
  write_animation(file, {.frames = 1, .draw = [](int64_t) { return test::moving_square(33, 17, 1); }});
  const std::vector<torch::Tensor> frames = decoded_webp(file).frames;
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_LT((frames[0].narrow(0, 0, 3) - test::moving_square(33, 17, 1)).abs().mean().item<double>(), 0.03);
}

}  // namespace
}  // namespace lucid::asset
