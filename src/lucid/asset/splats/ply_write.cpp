// SPDX-License-Identifier: Apache-2.0
// Writer of 3DGS PLY files, with the property order that viewers expect, including normals of zero.
#include <algorithm>
#include <bit>

#include "lucid/asset/splats/ply.h"
#include "lucid/asset/splats/ply_layout.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/math/sh.h"

namespace lucid::asset {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are written as they are in memory");
constexpr int64_t kCoefficients3 = sh_count(3) - 1;  // SH coefficients of degrees 1 to 3
constexpr int64_t kChunk = 65536;  // rows converted at a time, so that memory holds one copy of the scene, not three

std::string header(int64_t count, int64_t rest, bool big_endian, render::Filter filter) {
  std::string text = fmt::format("ply\nformat binary_{}_endian 1.0\n", big_endian ? "big" : "little");
  if (filter == render::Filter::kMip) text += "comment SplatRenderMode: mip\n";  // as Brush says it
  text += fmt::format("element vertex {}\n", count);
  for (const std::string& name : ply::vertex_properties(rest)) text += "property float " + name + "\n";
  return text + "end_header\n";
}

/// The file's rows, in the order of ply::vertex_properties(), of n Gaussians from `begin` on: [n, properties] float32,
/// contiguous.
torch::Tensor rows_of(const gaussians::Cloud& cloud, int64_t begin, int64_t n, int64_t coefficients) {
  const auto part = [&](const torch::Tensor& x) { return x.detach().narrow(0, begin, n).cpu().to(torch::kFloat32); };
  torch::Tensor rest = part(cloud.sh_rest);  // [n,K,3]
  if (rest.size(1) < coefficients) {
    rest = torch::cat({rest, torch::zeros({n, coefficients - rest.size(1), 3})}, 1);
  }
  // Channel-major: all coefficients of red, then green, then blue.
  rest = rest.permute({0, 2, 1}).reshape({n, 3 * coefficients});
  return torch::cat({part(cloud.means), torch::zeros({n, 3}), part(cloud.sh_dc).reshape({n, 3}), rest,
                     part(cloud.opacity_logits), part(cloud.log_scales), part(cloud.quats)},
                    1)
      .contiguous();
}

void append(std::string& out, const torch::Tensor& rows, bool big_endian) {
  const size_t begin = out.size();
  out.append(static_cast<const char*>(rows.data_ptr()), static_cast<size_t>(rows.nbytes()));
  if (!big_endian) return;
  for (char* at = out.data() + begin; at != out.data() + out.size(); at += sizeof(float)) {
    std::reverse(at, at + sizeof(float));
  }
}

}  // namespace

void write_ply(const std::filesystem::path& file, const gaussians::Cloud& cloud, const PlyOptions& options) {
  const torch::NoGradGuard no_grad;
  const int64_t count = cloud.count(), stored = cloud.sh_rest.size(1);
  LUCID_CHECK(!cloud.filter_3d.defined(), "a file stores smoothed() Gaussians");
  LUCID_CHECK(cloud.means.sizes() == torch::IntArrayRef({count, 3}) && cloud.sh_dc.numel() == count * 3 &&
                  cloud.sh_rest.sizes() == torch::IntArrayRef({count, stored, 3}) &&
                  cloud.opacity_logits.sizes() == torch::IntArrayRef({count, 1}) &&
                  cloud.log_scales.sizes() == torch::IntArrayRef({count, 3}) &&
                  cloud.quats.sizes() == torch::IntArrayRef({count, 4}),
              "{} Gaussians, {} coefficients", count, stored);
  const int64_t coefficients = options.pad_to_sh3 ? std::max(stored, kCoefficients3) : stored;
  std::string bytes = header(count, 3 * coefficients, options.big_endian, cloud.screen_filter);
  const size_t row_floats = ply::vertex_properties(3 * coefficients).size();
  bytes.reserve(bytes.size() + static_cast<size_t>(count) * row_floats * sizeof(float));
  for (int64_t begin = 0; begin < count; begin += kChunk) {
    append(bytes, rows_of(cloud, begin, std::min(kChunk, count - begin), coefficients), options.big_endian);
  }
  write_file(file, bytes);
}

void write_points_ply(const std::filesystem::path& file, const torch::Tensor& means, const torch::Tensor& rgb) {
  const torch::NoGradGuard no_grad;
  LUCID_CHECK(means.dim() == 2 && means.size(1) == 3 && means.sizes() == rgb.sizes(), "{} and {} dimensions",
              means.dim(), rgb.dim());
  const torch::Tensor points = means.detach().cpu().to(torch::kFloat32).contiguous();  // [N,3]
  const torch::Tensor colours = (rgb.detach().cpu().to(torch::kFloat32).nan_to_num().clamp(0, 1) * 255)
                                    .round()
                                    .to(torch::kUInt8)
                                    .contiguous();  // [N,3]
  std::string bytes = fmt::format("ply\nformat binary_little_endian 1.0\nelement vertex {}\n", points.size(0));
  for (const char* name : {"x", "y", "z"}) bytes += fmt::format("property float {}\n", name);
  for (const char* name : {"red", "green", "blue"}) bytes += fmt::format("property uchar {}\n", name);
  bytes += "end_header\n";
  const char* point = static_cast<const char*>(points.data_ptr());
  const char* colour = static_cast<const char*>(colours.data_ptr());
  for (int64_t i = 0; i < points.size(0); ++i) {
    bytes.append(point + i * 12, 12);
    bytes.append(colour + i * 3, 3);
  }
  write_file(file, bytes);
}

}  // namespace lucid::asset
