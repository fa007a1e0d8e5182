// SPDX-License-Identifier: Apache-2.0
// Tests of video files: all frames are present, equal frames give equal bytes, unfinished files are removed.
#include "lucid/asset/pictures/video.h"

#include <gtest/gtest.h>

#if defined(LUCID_WITH_VIDEO)

#include "goldens.h"
#include "lucid/asset/pictures/test_decode.h"
#include "lucid/asset/test_files.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"

extern "C" {
#include <libavcodec/avcodec.h>
}

namespace lucid::asset {
namespace {

/// A container with one of its encoders.
struct Kind {
  const char* extension;
  VideoCodec codec;
};

std::string name_of(const Kind& kind) {
  return std::string(kind.extension + 1) + (kind.codec == VideoCodec::kBest ? "Best" : "Fallback");
}

void write_film(const std::filesystem::path& file, int width, int height, int frames, VideoCodec codec) {
  VideoWriter film(file, width, height, {.fps = 25, .codec = codec});
  for (int i = 0; i < frames; ++i) film.add(test::moving_square(width, height, i));
  film.finish();
}

class Film : public ::testing::TestWithParam<Kind> {
 protected:
  const lucid::test::TemporaryFolder folder_;
  const bool webm_ = GetParam().extension == std::string(".webm");
  const VideoCodec codec_ = GetParam().codec;
  const std::filesystem::path file_ = folder_.path / (std::string("film") + GetParam().extension);
};

TEST_P(Film, FfprobeSeesEveryFrame) {
  if (!test::on_path("ffprobe")) GTEST_SKIP() << "ffprobe is not on the PATH";
  write_film(file_, 65, 47, 30, codec_);  // odd: padded to 66 x 48
  const auto report = test::probed(file_);
  const auto& stream = report.at("streams").at(0);
  EXPECT_EQ(report.at("streams").size(), 1u);
  EXPECT_EQ(stream.at("nb_read_frames"), "30");
  EXPECT_EQ(stream.at("width"), 66);
  EXPECT_EQ(stream.at("height"), 48);
  EXPECT_EQ(stream.at("pix_fmt"), "yuv420p");
  EXPECT_EQ(stream.at("avg_frame_rate"), "25/1");
  EXPECT_NEAR(std::stod(report.at("format").at("duration").get<std::string>()), 30 / 25.0, 1e-3);
  const char* best = webm_ ? "libvpx-vp9" : "libx264";
  const bool has_best = codec_ == VideoCodec::kBest && avcodec_find_encoder_by_name(best) != nullptr;
  EXPECT_EQ(stream.at("codec_name"), webm_ ? (has_best ? "vp9" : "vp8") : (has_best ? "h264" : "mpeg4"));
}

TEST_P(Film, ColoursComeBack) {
  if (!test::on_path("ffmpeg")) GTEST_SKIP() << "ffmpeg is not on the PATH";
  constexpr int kWidth = 64, kHeight = 48, kFrames = 5;
  write_film(file_, kWidth, kHeight, kFrames, codec_);
  const std::vector<torch::Tensor> back = test::decoded(file_, kWidth, kHeight);
  ASSERT_EQ(back.size(), size_t{kFrames});
  for (int i = 0; i < kFrames; ++i) {
    const torch::Tensor error = back[static_cast<size_t>(i)].narrow(0, 0, 3) - test::moving_square(kWidth, kHeight, i);
    // 4:2:0 chroma blurs the square's edges; a wrong colour matrix or range would give a much larger error.
    EXPECT_LT(error.abs().mean().item<double>(), 0.02) << i;
    EXPECT_LT(error.narrow(1, 6, 4).narrow(2, i * 3 + 2, 4).abs().mean().item<double>(), 0.04) << i;
  }
}

TEST_P(Film, TheSameFramesGiveTheSameBytesWithTheIndexFirst) {
  write_film(file_, 64, 48, 12, codec_);
  const std::filesystem::path again = folder_.path / (std::string("again") + GetParam().extension);
  write_film(again, 64, 48, 12, codec_);
  const std::string bytes = read_file(file_);
  EXPECT_TRUE(bytes == read_file(again));
  if (!webm_) {
    EXPECT_LT(bytes.find("moov"), bytes.find("mdat"));
  }
  EXPECT_EQ(test::files_in(folder_.path), 2u);
}

// Many videos of a detailed image whose size is no multiple of 16: the case where x264's AVX-512 code is not
// deterministic.
TEST_P(Film, TheSameFramesGiveTheSameBytesAtAnySize) {
  constexpr int kWidth = 66, kHeight = 48, kFrames = 12;
  const int films = webm_ ? 5 : 30;
  std::vector<torch::Tensor> frames;
  for (int i = 0; i < kFrames; ++i) {
    const torch::Tensor waves = torch::sin(torch::arange(kWidth * kHeight).view({1, kHeight, kWidth}) * (0.37 + i));
    frames.push_back(test::moving_square(kWidth, kHeight, i) * 0.8 + waves * 0.2);
  }
  std::string first;
  for (int k = 0; k < films; ++k) {
    VideoWriter film(file_, kWidth, kHeight, {.fps = 25, .codec = codec_});
    for (const torch::Tensor& frame : frames) film.add(frame);
    film.finish();
    if (k == 0) first = read_file(file_);
    ASSERT_TRUE(first == read_file(file_)) << "film " << k;
  }
}

TEST_P(Film, WithoutFinishNothingIsLeft) {
  write_file(file_, "the old film");
  {
    VideoWriter film(file_, 64, 48, {.fps = 25, .codec = codec_});
    film.add(test::moving_square(64, 48, 0));
  }
  EXPECT_EQ(read_file(file_), "the old film");
  EXPECT_EQ(test::files_in(folder_.path), 1u);
  EXPECT_THROW(VideoWriter(file_, 64, 48, {.fps = 25, .codec = codec_}).finish(), UserError);  // no frame
  EXPECT_EQ(test::files_in(folder_.path), 1u);
}

TEST_P(Film, AFullDiskLeavesTheOldFilmAndNothingElse) {
  const auto write_noise = [&] {
    VideoWriter film(file_, 64, 48, {.fps = 25, .codec = codec_});
    torch::manual_seed(1);
    for (int i = 0; i < 20; ++i) film.add(torch::rand({3, 48, 64}));
    film.finish();
  };
  write_noise();
  const auto whole = static_cast<rlim_t>(std::filesystem::file_size(file_));
  write_file(file_, "the old film");
  // The write fails in the header, in frames, or at the end when the index is moved to the front.
  for (const rlim_t bytes : {rlim_t{0}, rlim_t{40}, rlim_t{4096}, whole / 2, whole - 300, whole - 1}) {
    const test::SmallDisk disk(bytes);
    EXPECT_THROW(write_noise(), UserError) << bytes;
    EXPECT_EQ(read_file(file_), "the old film");
    EXPECT_EQ(test::files_in(folder_.path), 1u) << bytes;
  }
}

INSTANTIATE_TEST_SUITE_P(Codecs, Film,
                         ::testing::Values(Kind{".mp4", VideoCodec::kBest}, Kind{".mp4", VideoCodec::kFallback},
                                           Kind{".webm", VideoCodec::kBest}, Kind{".webm", VideoCodec::kFallback}),
                         [](const auto& info) { return name_of(info.param); });

TEST(FilmMistakes, AreTheUsers) {
  const lucid::test::TemporaryFolder folder;
  EXPECT_THROW(VideoWriter("/proc/lucid/a.mp4", 64, 48), UserError);
  EXPECT_THROW(VideoWriter(folder.path / "a.mp4", 0, 48), UserError);
  EXPECT_THROW(VideoWriter(folder.path / "a.mp4", 64, 1 << 20), UserError);
  EXPECT_THROW(VideoWriter(folder.path / "a.mp4", 64, 48, {.fps = 0}), UserError);
  EXPECT_EQ(test::files_in(folder.path), 0u);
}

}  // namespace
}  // namespace lucid::asset
#else
TEST(Film, IsWritten) { GTEST_SKIP() << "this build writes no films (LUCID_VIDEO=OFF)"; }
#endif
