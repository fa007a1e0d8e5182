// SPDX-License-Identifier: Apache-2.0
// Tests of video files: all frames are present, equal frames give equal bytes, unfinished files are removed.
#include "lucid/asset/video.h"

#include <gtest/gtest.h>

#if defined(LUCID_WITH_VIDEO)

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "goldens.h"
#include "lucid/asset/test_files.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"

extern "C" {
#include <libavcodec/avcodec.h>
}

namespace lucid::asset {
namespace {

std::string output_of(const std::string& command) {
  std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen((command + " 2>/dev/null").c_str(), "r"), pclose);
  std::string text;
  std::array<char, 65536> buffer;
  while (pipe != nullptr) {
    const size_t n = fread(buffer.data(), 1, buffer.size(), pipe.get());
    if (n == 0) break;
    text.append(buffer.data(), n);
  }
  return text;
}

bool on_path(const std::string& program) { return !output_of("command -v " + program).empty(); }

/// A grey ramp over which a red square moves. [3,H,W]
torch::Tensor picture(int width, int height, int frame) {
  torch::Tensor x = torch::linspace(0, 1, width).view({1, 1, width}).expand({3, height, width}).clone();
  const int at = frame * 3 % (width - 8);
  torch::Tensor square = x.narrow(1, 4, 8).narrow(2, at, 8);
  square.zero_();
  square[0].fill_(0.8f);
  return x;
}

void write_film(const std::filesystem::path& file, int width, int height, int frames, VideoCodec codec) {
  VideoWriter film(file, width, height, 25, codec);
  for (int i = 0; i < frames; ++i) film.add(picture(width, height, i));
  film.finish();
}

class Film : public ::testing::TestWithParam<VideoCodec> {
 protected:
  const lucid::test::TemporaryFolder folder_;
  const std::filesystem::path file_ = folder_.path / "film.mp4";
};

TEST_P(Film, FfprobeSeesEveryFrame) {
  if (!on_path("ffprobe")) GTEST_SKIP() << "ffprobe is not on the PATH";
  write_film(file_, 65, 47, 30, GetParam());  // odd: padded to 66 x 48
  const auto report = nlohmann::json::parse(
      output_of("ffprobe -v error -count_frames -show_streams -show_format -of json " + file_.string()));
  const auto& stream = report.at("streams").at(0);
  EXPECT_EQ(report.at("streams").size(), 1u);
  EXPECT_EQ(stream.at("nb_read_frames"), "30");
  EXPECT_EQ(stream.at("width"), 66);
  EXPECT_EQ(stream.at("height"), 48);
  EXPECT_EQ(stream.at("pix_fmt"), "yuv420p");
  EXPECT_EQ(stream.at("avg_frame_rate"), "25/1");
  EXPECT_NEAR(std::stod(report.at("format").at("duration").get<std::string>()), 30 / 25.0, 1e-3);
  const bool h264 = GetParam() == VideoCodec::kBest && avcodec_find_encoder_by_name("libx264") != nullptr;
  EXPECT_EQ(stream.at("codec_name"), h264 ? "h264" : "mpeg4");
}

TEST_P(Film, ColoursComeBack) {
  if (!on_path("ffmpeg")) GTEST_SKIP() << "ffmpeg is not on the PATH";
  constexpr int kWidth = 64, kHeight = 48, kFrames = 5;
  write_film(file_, kWidth, kHeight, kFrames, GetParam());
  const std::string raw = output_of("ffmpeg -v error -i " + file_.string() +
                                    " -vf scale=in_color_matrix=bt709:flags=accurate_rnd+full_chroma_int"
                                    " -pix_fmt rgb24 -f rawvideo -");
  ASSERT_EQ(raw.size(), size_t{kWidth} * kHeight * 3 * kFrames);
  for (int i = 0; i < kFrames; ++i) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(raw.data()) + size_t{kWidth} * kHeight * 3 * i;
    torch::Tensor back = torch::empty({kHeight, kWidth, 3}, torch::kUInt8);
    std::copy(bytes, bytes + back.numel(), back.data_ptr<uint8_t>());
    const torch::Tensor error = back.permute({2, 0, 1}).to(torch::kFloat32) / 255 - picture(kWidth, kHeight, i);
    // 4:2:0 chroma blurs the square's edges; a wrong colour matrix or range would give a much larger error.
    EXPECT_LT(error.abs().mean().item<double>(), 0.02) << i;
    EXPECT_LT(error.narrow(1, 6, 4).narrow(2, i * 3 + 2, 4).abs().mean().item<double>(), 0.04) << i;
  }
}

TEST_P(Film, TheSameFramesGiveTheSameBytesWithTheIndexFirst) {
  write_film(file_, 64, 48, 12, GetParam());
  write_film(folder_.path / "again.mp4", 64, 48, 12, GetParam());
  const std::string bytes = read_file(file_);
  EXPECT_TRUE(bytes == read_file(folder_.path / "again.mp4"));
  EXPECT_LT(bytes.find("moov"), bytes.find("mdat"));
  EXPECT_EQ(test::files_in(folder_.path), 2u);
}

// Many videos of a detailed image whose size is no multiple of 16: the case where x264's AVX-512 code is not
// deterministic.
TEST_P(Film, TheSameFramesGiveTheSameBytesAtAnySize) {
  constexpr int kWidth = 66, kHeight = 48, kFrames = 12, kFilms = 30;
  std::vector<torch::Tensor> frames;
  for (int i = 0; i < kFrames; ++i) {
    const torch::Tensor waves = torch::sin(torch::arange(kWidth * kHeight).view({1, kHeight, kWidth}) * (0.37 + i));
    frames.push_back(picture(kWidth, kHeight, i) * 0.8 + waves * 0.2);
  }
  std::string first;
  for (int k = 0; k < kFilms; ++k) {
    VideoWriter film(file_, kWidth, kHeight, 25, GetParam());
    for (const torch::Tensor& frame : frames) film.add(frame);
    film.finish();
    if (k == 0) first = read_file(file_);
    ASSERT_TRUE(first == read_file(file_)) << "film " << k;
  }
}

TEST_P(Film, WithoutFinishNothingIsLeft) {
  write_file(file_, "the old film");
  {
    VideoWriter film(file_, 64, 48, 25, GetParam());
    film.add(picture(64, 48, 0));
  }
  EXPECT_EQ(read_file(file_), "the old film");
  EXPECT_EQ(test::files_in(folder_.path), 1u);
  EXPECT_THROW(VideoWriter(file_, 64, 48, 25, GetParam()).finish(), UserError);  // no frame
  EXPECT_EQ(test::files_in(folder_.path), 1u);
}

TEST_P(Film, AFullDiskLeavesTheOldFilmAndNothingElse) {
  const auto write_noise = [&] {
    VideoWriter film(file_, 64, 48, 25, GetParam());
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

INSTANTIATE_TEST_SUITE_P(Codecs, Film, ::testing::Values(VideoCodec::kBest, VideoCodec::kMpeg4),
                         [](const auto& info) { return info.param == VideoCodec::kBest ? "Best" : "Mpeg4"; });

TEST(FilmMistakes, AreTheUsers) {
  const lucid::test::TemporaryFolder folder;
  EXPECT_THROW(VideoWriter("/proc/lucid/a.mp4", 64, 48), UserError);
  EXPECT_THROW(VideoWriter(folder.path / "a.mp4", 0, 48), UserError);
  EXPECT_THROW(VideoWriter(folder.path / "a.mp4", 64, 1 << 20), UserError);
  EXPECT_THROW(VideoWriter(folder.path / "a.mp4", 64, 48, 0), UserError);
  EXPECT_EQ(test::files_in(folder.path), 0u);
}

}  // namespace
}  // namespace lucid::asset
#else
TEST(Film, IsWritten) { GTEST_SKIP() << "this build writes no films (LUCID_VIDEO=OFF)"; }
#endif
