// SPDX-License-Identifier: Apache-2.0
// VideoWriter for builds without FFmpeg's libraries: its constructor throws UserError.
#if !defined(LUCID_WITH_VIDEO)
#include "lucid/asset/pictures/video.h"
#include "lucid/base/error.h"

namespace lucid::asset {

bool can_write_videos() { return false; }

struct VideoWriter::State {};
VideoWriter::VideoWriter(const std::filesystem::path& file, int, int, const VideoOptions&) {
  throw UserError(
      {.what_happened = "this build cannot write MP4 and WebM videos",
       .file = file.string(),
       .hint = "write a .gif or .webp, or configure with -DLUCID_VIDEO=ON, which needs FFmpeg's libraries"});
}
VideoWriter::~VideoWriter() = default;
void VideoWriter::add(const torch::Tensor&) {}
void VideoWriter::finish() {}

}  // namespace lucid::asset
#endif  // LUCID_WITH_VIDEO
