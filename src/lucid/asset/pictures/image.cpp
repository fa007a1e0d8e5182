// SPDX-License-Identifier: Apache-2.0
// PNG files, contact sheets and resizing. PNGs use libpng's simplified interface, which converts every PNG to 8-bit RGB
// and returns errors instead of calling longjmp.
#include "lucid/asset/pictures/image.h"

#include <ATen/Parallel.h>
#include <png.h>

#include <algorithm>

#include "lucid/asset/pictures/png_bytes.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"

namespace lucid::asset {
namespace {

constexpr size_t kMaxFile = size_t{256} << 20;      // bytes
constexpr uint64_t kMaxPixels = uint64_t{1} << 26;  // 8192 x 8192; a small file can declare a huge image

struct PngImage {
  png_image image{};
  PngImage() { image.version = PNG_IMAGE_VERSION; }
  ~PngImage() { png_image_free(&image); }
  PngImage(const PngImage&) = delete;
  PngImage& operator=(const PngImage&) = delete;
};

[[noreturn]] void throw_bad_png(const std::filesystem::path& file, const png_image& image) {
  throw UserError({.what_happened = fmt::format("is not a readable PNG: {}", image.message),
                   .file = file.string(),
                   .hint = "a complete .png file was expected"});
}

}  // namespace

torch::Tensor to_bytes(const torch::Tensor& image) {
  LUCID_CHECK(image.dim() == 3, "{} dimensions", image.dim());
  const torch::Tensor values = image.detach().cpu().to(torch::kFloat32).contiguous();
  const int64_t channels = values.size(0), pixels = values.size(1) * values.size(2);
  const torch::Tensor bytes = torch::empty({values.size(1), values.size(2), channels}, torch::kUInt8);
  const float* from = values.data_ptr<float>();
  uint8_t* to = bytes.data_ptr<uint8_t>();
  constexpr int64_t kGrain = 1 << 14;  // pixels per thread at least
  at::parallel_for(0, pixels, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t i = begin; i < end; ++i) {
        const float value = from[c * pixels + i];
        const float inside = value > 0 ? std::min(value, 1.0F) : 0;  // NaN becomes 0
        to[i * channels + c] = static_cast<uint8_t>(inside * 255 + 0.5F);
      }
    }
  });
  return bytes;
}

void write_png(const std::filesystem::path& file, const torch::Tensor& image) {
  LUCID_CHECK(image.dim() == 3 && image.numel() > 0, "{}: {} dimensions", file.string(), image.dim());
  const torch::Tensor bytes = to_bytes(image);
  write_file(file, encode_png(bytes.data_ptr<uint8_t>(), static_cast<int>(bytes.size(1)),
                              static_cast<int>(bytes.size(0)), static_cast<int>(bytes.size(2))));
}

torch::Tensor read_png(const std::filesystem::path& file) {
  const std::string encoded = read_file(file, kMaxFile);
  PngImage png;
  if (png_image_begin_read_from_memory(&png.image, encoded.data(), encoded.size()) == 0) throw_bad_png(file, png.image);
  const uint64_t width = png.image.width, height = png.image.height;
  if (width * height > kMaxPixels) {
    throw UserError({.what_happened = fmt::format("has {} x {} pixels, at most {} are read", width, height, kMaxPixels),
                     .file = file.string()});
  }
  png.image.format = PNG_FORMAT_RGB;
  png.image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;  // 16-bit files hold sRGB values, not linear light
  torch::Tensor bytes = torch::empty({static_cast<int64_t>(height), static_cast<int64_t>(width), 3}, torch::kUInt8);
  const png_color white{255, 255, 255};  // background of transparent pixels, as in our renders
  if (png_image_finish_read(&png.image, &white, bytes.data_ptr<uint8_t>(), 0, nullptr) == 0)
    throw_bad_png(file, png.image);
  return bytes.permute({2, 0, 1}).to(torch::kFloat32).div(255).contiguous();
}

torch::Tensor contact_sheet(const std::vector<std::vector<torch::Tensor>>& rows, int gap, const torch::Tensor& fill) {
  const torch::NoGradGuard no_grad;
  size_t columns = 0;
  torch::Tensor first;
  for (const auto& row : rows) {
    columns = std::max(columns, row.size());
    if (!first.defined() && !row.empty()) first = row.front();
  }
  LUCID_CHECK(columns > 0 && gap >= 0, "{} rows, gap {}", rows.size(), gap);
  const int64_t channels = first.size(0), height = first.size(1), width = first.size(2);
  const auto row_count = static_cast<int64_t>(rows.size()), column_count = static_cast<int64_t>(columns);
  torch::Tensor sheet =
      torch::ones({channels, row_count * (height + gap) - gap, column_count * (width + gap) - gap}, torch::kFloat32);
  if (fill.defined()) sheet.copy_(fill.view({channels, 1, 1}));
  for (int64_t i = 0; i < row_count; ++i) {
    const auto& row = rows[static_cast<size_t>(i)];
    for (int64_t j = 0; j < static_cast<int64_t>(row.size()); ++j) {
      const torch::Tensor& image = row[static_cast<size_t>(j)];
      LUCID_CHECK(image.dim() == 3 && image.size(0) == channels && image.size(1) == height && image.size(2) == width,
                  "image {} of row {}", j, i);
      sheet.narrow(1, i * (height + gap), height).narrow(2, j * (width + gap), width).copy_(image.detach());
    }
  }
  return sheet;
}

torch::Tensor resize_nearest(const torch::Tensor& image, int64_t height, int64_t width) {
  LUCID_CHECK(image.dim() == 3 && height > 0 && width > 0, "{} dimensions to {} x {}", image.dim(), height, width);
  return torch::upsample_nearest2d(image.unsqueeze(0), {height, width}).squeeze(0);
}

}  // namespace lucid::asset
