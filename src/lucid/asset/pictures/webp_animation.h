// SPDX-License-Identifier: Apache-2.0
// Animated WebP with libwebp's encoder.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace lucid::asset {

class WebpEncoder {
 public:
  /// Size in pixels, in [1, 16383]; `fps` frames a second. Loops endlessly.
  WebpEncoder(int width, int height, int fps);
  ~WebpEncoder();
  WebpEncoder(const WebpEncoder&) = delete;
  WebpEncoder& operator=(const WebpEncoder&) = delete;
  /// A frame [height,width,channels], 8 bits a channel; channels: 3, or 4 with straight alpha.
  void add(const uint8_t* pixels, int channels);
  /// The bytes of the whole file.
  std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;  // keeps libwebp's headers out of this one
};

}  // namespace lucid::asset
