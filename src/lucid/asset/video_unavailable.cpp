// SPDX-License-Identifier: Apache-2.0
// Stands in for video.cpp in a build without FFmpeg's libraries: says so when asked.
#if !defined(LUCID_WITH_VIDEO)
#include "lucid/asset/video.h"
#include "lucid/base/error.h"

namespace lucid::asset {

bool writes_films() { return false; }

struct VideoWriter::State {};
VideoWriter::VideoWriter(const std::filesystem::path& file, int, int, int, FilmCodec) {
  throw UserError({.what_happened = "this build writes no films",
                   .file = file.string(),
                   .hint = "configure with -DLUCID_VIDEO=ON, which needs FFmpeg's libraries"});
}
VideoWriter::~VideoWriter() = default;
void VideoWriter::add(const torch::Tensor&) {}
void VideoWriter::finish() {}

}  // namespace lucid::asset
#endif  // LUCID_WITH_VIDEO
