// SPDX-License-Identifier: Apache-2.0
// MP4 videos, written frame by frame with libav: H.264 if libavcodec has the x264 encoder, else MPEG-4.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <memory>

namespace lucid::asset {

/// Whether this build can write videos (CMake option LUCID_VIDEO).
bool can_write_videos();

enum class VideoCodec {
  kBest,   // H.264 if available, else MPEG-4
  kMpeg4,  // MPEG-4, also if H.264 is available
};

class VideoWriter {
 public:
  /// `width` and `height` in pixels (odd sizes are padded by one pixel), `fps` in frames per second. Throws UserError.
  /// Sets libav's log level to errors, for the whole process.
  VideoWriter(const std::filesystem::path& file, int width, int height, int fps = 30,
              VideoCodec codec = VideoCodec::kBest);
  ~VideoWriter();  // discards the file unless finish() was called
  VideoWriter(const VideoWriter&) = delete;
  VideoWriter& operator=(const VideoWriter&) = delete;
  void add(const torch::Tensor& frame);  // [3,H,W] float in [0, 1]
  void finish();                         // flushes, fsyncs and renames the file to its final name

 private:
  struct State;
  std::unique_ptr<State> state_;  // keeps libav's headers out of this one
};

}  // namespace lucid::asset
