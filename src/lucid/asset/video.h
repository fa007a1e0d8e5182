// SPDX-License-Identifier: Apache-2.0
// MP4 films (H.264 where libavcodec has an encoder for it, else MPEG-4), frame by frame.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <memory>

namespace lucid::asset {

/// Whether this build can (LUCID_VIDEO).
bool writes_films();

enum class FilmCodec { kBest, kMpeg4 };  // kMpeg4: as where there is no H.264 encoder

class VideoWriter {
 public:
  /// Frames must all be [3,H,W]; odd sizes are padded by one pixel. Throws UserError.
  /// Sets libav's log level to errors, which is global to the process.
  VideoWriter(const std::filesystem::path& file, int width, int height, int fps = 30,
              FilmCodec codec = FilmCodec::kBest);
  ~VideoWriter();  // without finish() the file is discarded
  VideoWriter(const VideoWriter&) = delete;
  VideoWriter& operator=(const VideoWriter&) = delete;
  void add(const torch::Tensor& frame);  // [3,H,W] float in 0..1
  void finish();                         // flushes, fsyncs, renames

 private:
  struct State;
  std::unique_ptr<State> state_;  // hides libav's headers
};

}  // namespace lucid::asset
