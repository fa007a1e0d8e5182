// SPDX-License-Identifier: Apache-2.0
// PNG encoding with libpng's simplified interface, which returns errors instead of calling longjmp.
#include "lucid/asset/pictures/png_bytes.h"

#include <png.h>

#include <memory>

#include "lucid/base/error.h"

namespace lucid::asset {

std::string encode_png(const uint8_t* pixels, int width, int height, int channels) {
  LUCID_CHECK(width > 0 && height > 0 && (channels == 1 || channels == 3 || channels == 4), "{} x {} x {}", width,
              height, channels);
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  const std::unique_ptr<png_image, decltype(&png_image_free)> freed_at_return(&image, &png_image_free);
  image.width = static_cast<png_uint_32>(width);
  image.height = static_cast<png_uint_32>(height);
  image.format = channels == 1 ? PNG_FORMAT_GRAY : channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_RGBA;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::string encoded(size, '\0');
  const int written = png_image_write_to_memory(&image, encoded.data(), &size, 0, pixels, 0, nullptr);
  LUCID_CHECK(written != 0, "libpng: {}", image.message);
  encoded.resize(size);
  return encoded;
}

}  // namespace lucid::asset
