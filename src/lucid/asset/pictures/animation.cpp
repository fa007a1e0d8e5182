// SPDX-License-Identifier: Apache-2.0
// Animations: what each format needs before, with and after the frames.
#include "lucid/asset/pictures/animation.h"

#include <vector>

#include "lucid/asset/pictures/animation_format.h"
#include "lucid/asset/pictures/gif.h"
#include "lucid/asset/pictures/image.h"
#include "lucid/asset/pictures/palette.h"
#include "lucid/asset/pictures/video.h"
#include "lucid/asset/pictures/webp_animation.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"

namespace lucid::asset {
namespace fs = std::filesystem;
namespace {

struct FrameSize {
  int channels, width, height;
};

FrameSize size_of(const torch::Tensor& frame) {
  LUCID_CHECK(frame.dim() == 3 && (frame.size(0) == 3 || frame.size(0) == 4), "{} dimensions", frame.dim());
  return {static_cast<int>(frame.size(0)), static_cast<int>(frame.size(2)), static_cast<int>(frame.size(1))};
}

/// Calls `take` with every frame in order.
void for_each_frame(const Animation& animation, const torch::Tensor& first,
                    const std::function<void(const torch::Tensor& frame)>& take) {
  const FrameSize size = size_of(first);
  for (int64_t i = 0; i < animation.frames; ++i) {
    const torch::Tensor frame = i == 0 ? first : animation.draw(i);
    const FrameSize now = size_of(frame);
    LUCID_CHECK(now.channels == size.channels && now.width == size.width && now.height == size.height,
                "frame {} has another size", i);
    take(frame);
    if (animation.on_frame) animation.on_frame(i + 1);
  }
}

void write_video(const fs::path& file, const Animation& animation, const torch::Tensor& first) {
  const FrameSize size = size_of(first);
  VideoWriter video(file, size.width, size.height, {.fps = animation.fps, .transparent = size.channels == 4});
  for_each_frame(animation, first, [&](const torch::Tensor& frame) { video.add(frame); });
  video.finish();
}

/// A palette for all frames, from some that are evenly spaced.
Palette sampled_palette(const Animation& animation, const torch::Tensor& first) {
  constexpr int64_t kSamples = 8, kPixels = 1 << 18;  // of the samples, at most; more pixels make no better palette
  const int64_t samples = std::min(kSamples, animation.frames);
  Palette palette;
  for (int64_t k = 0; k < samples; ++k) {
    const torch::Tensor pixels = to_bytes(k == 0 ? first : animation.draw(k * animation.frames / samples));
    const torch::Tensor flat = pixels.view({-1, pixels.size(2)});  // [H W,C]
    const int64_t every = std::max<int64_t>(1, flat.size(0) / kPixels);
    const torch::Tensor some = flat.slice(0, 0, flat.size(0), every).contiguous();
    palette.add_sample(some.data_ptr<uint8_t>(), some.size(0), static_cast<int>(some.size(1)));
  }
  palette.build();
  return palette;
}

void write_gif(const fs::path& file, const Animation& animation, const torch::Tensor& first) {
  const FrameSize size = size_of(first);
  Palette palette = sampled_palette(animation, first);
  GifEncoder gif(size.width, size.height, animation.fps, palette.colours(), size.channels == 4);
  for_each_frame(animation, first, [&](const torch::Tensor& frame) {
    const torch::Tensor pixels = to_bytes(frame);
    gif.add(palette.dither(pixels.data_ptr<uint8_t>(), size.width, size.height, size.channels));
  });
  write_file(file, gif.finish());
}

void write_webp(const fs::path& file, const Animation& animation, const torch::Tensor& first) {
  const FrameSize size = size_of(first);
  WebpEncoder webp(size.width, size.height, animation.fps);
  for_each_frame(animation, first,
                 [&](const torch::Tensor& frame) { webp.add(to_bytes(frame).data_ptr<uint8_t>(), size.channels); });
  write_file(file, webp.finish());
}

/// What the format cannot hold, before any time goes into frames.
void check(const fs::path& file, const AnimationRow& format, const Animation& animation, const FrameSize& size) {
  const auto refuse = [&](const std::string& what, const char* hint) {
    throw UserError({.what_happened = what, .file = file.string(), .hint = hint});
  };
  if (animation.fps < 1 || animation.fps > format.most_fps) {
    refuse(fmt::format("{} frames a second are not in [1, {}]", animation.fps, format.most_fps), "--fps");
  }
  if (size.width > format.most_pixels || size.height > format.most_pixels) {
    refuse(
        fmt::format("{} x {} pixels: the format holds at most {} a side", size.width, size.height, format.most_pixels),
        "a smaller --size, or fewer channels");
  }
  if (size.channels == 4 && !format.transparent)
    refuse("the format has no transparent pixels", "write a .webm, .webp or .gif, or give a background colour");
}

}  // namespace

void write_animation(const fs::path& file, const Animation& animation) {
  const AnimationRow* format = animation_of(file);
  if (format == nullptr) {
    throw UserError({.what_happened = "no animation has this extension",
                     .file = file.string(),
                     .hint = "name it .mp4, .webm, .gif or .webp"});
  }
  if (animation.frames < 1)
    throw UserError({.what_happened = "an animation needs at least one frame", .file = file.string()});
  const torch::NoGradGuard no_grad;
  const torch::Tensor first = animation.draw(0);
  check(file, *format, animation, size_of(first));
  switch (format->format) {
    case AnimationFormat::kMp4:
    case AnimationFormat::kWebm:
      return write_video(file, animation, first);
    case AnimationFormat::kGif:
      return write_gif(file, animation, first);
    case AnimationFormat::kWebp:
      return write_webp(file, animation, first);
  }
}

}  // namespace lucid::asset
