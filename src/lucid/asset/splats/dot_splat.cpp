// SPDX-License-Identifier: Apache-2.0
// Reader and writer of .splat files.
#include "lucid/asset/splats/dot_splat.h"

#include <cstring>
#include <numeric>

#include "lucid/asset/splats/arrays.h"
#include "lucid/base/error.h"
#include "lucid/base/parallel.h"
#include "lucid/math/sh.h"

namespace lucid::asset::dot_splat {
namespace {

/// One Gaussian of the file, little-endian.
struct Row {
  float mean[3];
  float scale[3];     // linear
  uint8_t colour[3];  // 255 * (0.5 + kSh0 * dc)
  uint8_t alpha;      // 255 * opacity
  uint8_t quat[4];    // w,x,y,z: 128 * q + 128
};
static_assert(sizeof(Row) == 32);

Row packed_row(const CloudArrays& cloud, int64_t n) {
  Row row{};
  for (int i = 0; i < 3; ++i) {
    row.mean[i] = cloud.means[3 * n + i];
    row.scale[i] = scale_of(cloud.log_scales[3 * n + i]);
    row.colour[i] = to_byte(255 * (0.5 + kSh0 * cloud.dc[3 * n + i]));
  }
  row.alpha = to_byte(255 * opacity_of(cloud.logits[n]));
  const auto quat = unit_quat(cloud.quats + 4 * n);
  for (int i = 0; i < 4; ++i) row.quat[i] = to_byte(128 * quat[i] + 128);
  return row;
}

void unpack_row(const Row& row, const CloudArrays& to, int64_t n) {
  for (int i = 0; i < 3; ++i) {
    to.means[3 * n + i] = row.mean[i];
    to.log_scales[3 * n + i] = log_scale_of(row.scale[i]);
    to.dc[3 * n + i] = static_cast<float>((row.colour[i] / 255.0 - 0.5) / kSh0);
  }
  to.logits[n] = logit_of(row.alpha / 255.0);
  for (int i = 0; i < 4; ++i) to.quats[4 * n + i] = (row.quat[i] - 128) / 128.0f;
}

void refuse_bad_numbers(const std::filesystem::path& file, const Row& row, size_t n) {
  constexpr const char* kAxes = "xyz";
  const auto refuse = [&](const char* what, int axis, float value, const char* rule) {
    throw UserError(
        {.what_happened = fmt::format("{}.{} of row {} (from 0) is {}; {}", what, kAxes[axis], n, value, rule),
         .file = file.string(),
         .hint = "is it a .splat file?"});
  };
  for (int i = 0; i < 3; ++i) {
    if (!std::isfinite(row.mean[i])) refuse("position", i, row.mean[i], "every number must be finite");
    if (!std::isfinite(row.scale[i])) refuse("scale", i, row.scale[i], "every number must be finite");
    if (row.scale[i] < 0) refuse("scale", i, row.scale[i], "no scale is negative");
  }
}

}  // namespace

std::string encode(const gaussians::Cloud& cloud) {
  const CloudArrays from = arrays_of(cloud);
  std::vector<double> importance(static_cast<size_t>(from.count));  // logarithm of volume times opacity
  for (int64_t n = 0; n < from.count; ++n) {
    const float* s = from.log_scales + 3 * n;
    importance[n] = static_cast<double>(s[0]) + s[1] + s[2] + std::log(opacity_of(from.logits[n]));
  }
  std::vector<int64_t> order(static_cast<size_t>(from.count));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return importance[a] > importance[b]; });
  std::string bytes(order.size() * sizeof(Row), '\0');
  constexpr int64_t kGrain = 4096;
  parallel_for(from.count, kGrain, [&](int64_t n) {
    const Row row = packed_row(from, order[n]);
    std::memcpy(bytes.data() + n * sizeof(Row), &row, sizeof(Row));
  });
  return bytes;
}

gaussians::Cloud decode(const std::filesystem::path& file, std::string_view bytes) {
  if (bytes.empty()) throw UserError({.what_happened = "holds no Gaussians", .file = file.string()});
  if (bytes.size() % sizeof(Row) != 0) {
    throw UserError(
        {.what_happened = fmt::format("has {} bytes, which is no multiple of {}", bytes.size(), sizeof(Row)),
         .file = file.string(),
         .hint = "the file is cut short, or no .splat file"});
  }
  const size_t count = bytes.size() / sizeof(Row);
  gaussians::Cloud cloud = new_cloud(static_cast<int64_t>(count), 0);
  const CloudArrays to = arrays_of(cloud);
  for (size_t n = 0; n < count; ++n) {
    Row row;
    std::memcpy(&row, bytes.data() + n * sizeof(Row), sizeof(Row));
    refuse_bad_numbers(file, row, n);
    unpack_row(row, to, static_cast<int64_t>(n));
  }
  return cloud;
}

}  // namespace lucid::asset::dot_splat
