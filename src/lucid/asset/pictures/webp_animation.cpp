// SPDX-License-Identifier: Apache-2.0
// Animated WebP: libwebp chooses key frames, and codes the rectangle of each frame that changed.
#include "lucid/asset/pictures/webp_animation.h"

#include <webp/encode.h>
#include <webp/mux.h>

#include <new>

#include "lucid/base/error.h"

namespace lucid::asset {
namespace {

struct FreeEncoder {
  void operator()(WebPAnimEncoder* x) const { WebPAnimEncoderDelete(x); }
};

/// A picture of libwebp that holds one frame.
struct Picture {
  WebPPicture picture{};
  Picture() { LUCID_CHECK(WebPPictureInit(&picture) != 0, "libwebp's headers and library differ"); }
  ~Picture() { WebPPictureFree(&picture); }
  Picture(const Picture&) = delete;
  Picture& operator=(const Picture&) = delete;
};

}  // namespace

struct WebpEncoder::State {
  int width = 0, height = 0, fps = 0;
  int64_t frames = 0;
  WebPConfig config{};
  std::unique_ptr<WebPAnimEncoder, FreeEncoder> encoder;
  int time_ms() const { return static_cast<int>((frames * 2000 + fps) / (2 * fps)); }  // of the next frame, rounded
};

WebpEncoder::WebpEncoder(int width, int height, int fps) : state_(std::make_unique<State>()) {
  state_->width = width;
  state_->height = height;
  state_->fps = fps;
  LUCID_CHECK(width >= 1 && width <= WEBP_MAX_DIMENSION && height >= 1 && height <= WEBP_MAX_DIMENSION && fps >= 1,
              "{} x {} at {}", width, height, fps);
  constexpr float kQuality = 90;
  LUCID_CHECK(WebPConfigPreset(&state_->config, WEBP_PRESET_PICTURE, kQuality) != 0, "libwebp's versions differ");
  state_->config.use_sharp_yuv = 1;  // keeps coloured outlines sharp, which 4:2:0 would blur
  state_->config.thread_level = 1;
  WebPAnimEncoderOptions options;
  LUCID_CHECK(WebPAnimEncoderOptionsInit(&options) != 0, "libwebpmux's headers and library differ");
  state_->encoder.reset(WebPAnimEncoderNew(width, height, &options));
  if (state_->encoder == nullptr) throw std::bad_alloc();
}

WebpEncoder::~WebpEncoder() = default;

void WebpEncoder::add(const uint8_t* pixels, int channels) {
  State& s = *state_;
  Picture frame;
  frame.picture.use_argb = 1;
  frame.picture.width = s.width;
  frame.picture.height = s.height;
  const auto import = channels == 4 ? WebPPictureImportRGBA : WebPPictureImportRGB;
  if (import(&frame.picture, pixels, channels * s.width) == 0) throw std::bad_alloc();
  const int added = WebPAnimEncoderAdd(s.encoder.get(), &frame.picture, s.time_ms(), &s.config);
  LUCID_CHECK(added != 0, "libwebp: {}", WebPAnimEncoderGetError(s.encoder.get()));
  ++s.frames;
}

std::string WebpEncoder::finish() {
  State& s = *state_;
  WebPData data;
  WebPDataInit(&data);
  const bool done = WebPAnimEncoderAdd(s.encoder.get(), nullptr, s.time_ms(), nullptr) != 0 &&
                    WebPAnimEncoderAssemble(s.encoder.get(), &data) != 0;
  std::string bytes(reinterpret_cast<const char*>(data.bytes), done ? data.size : 0);
  WebPDataClear(&data);
  LUCID_CHECK(done, "libwebp: {}", WebPAnimEncoderGetError(s.encoder.get()));
  return bytes;
}

}  // namespace lucid::asset
