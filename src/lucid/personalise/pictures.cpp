// SPDX-License-Identifier: Apache-2.0
// Decodes pictures with stb_image, and fits them into squares.
#include "lucid/personalise/pictures.h"

#include <fmt/format.h>
#include <stb/stb_image.h>

#include <algorithm>
#include <memory>
#include <regex>

#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"

namespace lucid::personalise {
namespace fs = std::filesystem;
namespace {

constexpr int kLargestSide = 16384;
constexpr int64_t kMostPixels = int64_t{1} << 26;  // of one picture, 2 GB as it is read; a small file can declare more
constexpr size_t kMostPictures = 1000;

bool is_picture(const fs::path& file) {
  std::string extension = file.extension().string();
  std::ranges::transform(extension, extension.begin(), [](unsigned char c) { return std::tolower(c); });
  return extension == ".png" || extension == ".jpg" || extension == ".jpeg";
}

/// A file -> [3,H,W] in [0, 1], over white.
torch::Tensor decode(const fs::path& file) {
  const auto refuse = [&](const std::string& what) {
    throw UserError({.what_happened = what,
                     .file = file.string(),
                     .hint = "PNG or JPEG, up to 16384 pixels a side and 67 million in all"});
  };
  const std::string bytes = read_file(file);
  const auto* data = reinterpret_cast<const stbi_uc*>(bytes.data());
  const int size = static_cast<int>(std::min<size_t>(bytes.size(), INT32_MAX));
  int width = 0, height = 0, channels = 0;
  if (!stbi_info_from_memory(data, size, &width, &height, &channels)) refuse("is not a picture that can be decoded");
  if (width > kLargestSide || height > kLargestSide || int64_t{width} * height > kMostPixels)
    refuse(fmt::format("has {} x {} pixels", width, height));
  const std::unique_ptr<stbi_uc, decltype(&stbi_image_free)> pixels(
      stbi_load_from_memory(data, size, &width, &height, &channels, 4), stbi_image_free);
  if (pixels == nullptr) refuse("is damaged");
  const torch::Tensor rgba =
      torch::from_blob(pixels.get(), {height, width, 4}, torch::kUInt8).to(torch::kFloat).permute({2, 0, 1}) / 255;
  const torch::Tensor alpha = rgba.slice(0, 3);
  return (rgba.slice(0, 0, 3) * alpha + 1 - alpha).contiguous();
}

/// [3,H,W] -> [3,side,side]: padded with white, then averaged down or interpolated up.
torch::Tensor squared(const torch::Tensor& rgb, int64_t side) {
  const int64_t height = rgb.size(1), width = rgb.size(2), wanted = std::max(height, width);
  const int64_t left = (wanted - width) / 2, top = (wanted - height) / 2;
  const torch::Tensor square =
      torch::constant_pad_nd(rgb, {left, wanted - width - left, top, wanted - height - top}, 1).unsqueeze(0);
  namespace F = torch::nn::functional;
  auto how = F::InterpolateFuncOptions().size(std::vector<int64_t>{side, side});
  if (wanted >= side) return F::interpolate(square, how.mode(torch::kArea)).squeeze(0);
  return F::interpolate(square, how.mode(torch::kBicubic).align_corners(false)).clamp(0, 1).squeeze(0);
}

}  // namespace

std::optional<text_to_image::Direction> view_in_name(const std::string& name) {
  static const std::regex pattern(
      "(?:^|[^A-Za-z0-9])az(-?[0-9]{1,3})(?:[^A-Za-z0-9-]+el(-?[0-9]{1,2}))?(?![A-Za-z0-9])");
  std::smatch found;
  if (!std::regex_search(name, found, pattern)) return std::nullopt;
  return text_to_image::Direction{.azimuth = std::stod(found[1]),
                                  .elevation = found[2].matched ? std::stod(found[2]) : 0};
}

std::vector<Picture> read_pictures(const fs::path& folder, int64_t side) {
  std::error_code error;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (is_picture(entry.path())) files.push_back(entry.path());
  }
  if (error) throw UserError({.what_happened = error.message(), .file = folder.string()});
  if (files.empty() || files.size() > kMostPictures) {
    throw UserError({.what_happened = fmt::format("holds {} pictures", files.size()),
                     .file = folder.string(),
                     .hint = "3 to 30 pictures of one object, PNG or JPEG, are best"});
  }
  std::ranges::sort(files);
  std::vector<Picture> pictures;
  for (const fs::path& file : files) {
    pictures.push_back({.rgb = squared(decode(file), side), .view = view_in_name(file.stem().string())});
  }
  return pictures;
}

}  // namespace lucid::personalise
