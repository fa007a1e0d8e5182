// SPDX-License-Identifier: Apache-2.0
// Videos, written frame by frame with libav. MP4: H.264 if libavcodec has the x264 encoder, else MPEG-4. WebM: VP9,
// else VP8.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <memory>

namespace lucid::asset {

/// Whether this build can write videos (CMake option LUCID_VIDEO).
bool can_write_videos();

enum class VideoCodec {
  kBest,      // the first encoder of the file's format that libavcodec has
  kFallback,  // the second: MPEG-4 in an MP4, VP8 in a WebM
};

struct VideoOptions {
  int fps = 30;              // frames per second
  bool transparent = false;  // frames have alpha; WebM only
  VideoCodec codec = VideoCodec::kBest;
};

class VideoWriter {
 public:
  /// `width` and `height` in pixels (odd sizes are padded by one pixel). A file named .webm is a WebM, any other an
  /// MP4. Throws UserError. Sets libav's log level to errors, for the whole process.
  VideoWriter(const std::filesystem::path& file, int width, int height, const VideoOptions& options = {});
  ~VideoWriter();  // discards the file unless finish() was called
  VideoWriter(const VideoWriter&) = delete;
  VideoWriter& operator=(const VideoWriter&) = delete;
  void add(const torch::Tensor& frame);  // [3,H,W] float in [0, 1]; [4,H,W] with straight alpha if transparent
  void finish();                         // flushes, fsyncs and renames the file to its final name

 private:
  struct State;
  std::unique_ptr<State> state_;  // keeps libav's headers out of this one
};

}  // namespace lucid::asset
