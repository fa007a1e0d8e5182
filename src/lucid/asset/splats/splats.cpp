// SPDX-License-Identifier: Apache-2.0
// Recognises the format of a file of Gaussians, and turns the cloud between lucid's axes and those of the file.
#include "lucid/asset/splats/splats.h"

#include <fstream>

#include "lucid/asset/live_frame.h"
#include "lucid/asset/splats/arrays.h"
#include "lucid/asset/splats/dot_splat.h"
#include "lucid/asset/splats/gltf.h"
#include "lucid/asset/splats/ply.h"
#include "lucid/asset/splats/rotation_math.h"
#include "lucid/asset/splats/spz.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/base/mapped_file.h"
#include "lucid/math/sh.h"

namespace lucid::asset {
namespace {

/// The format of a file to read. A .splat file has no magic number and can begin with any bytes, so its extension
/// outweighs the short magic numbers of gzip and JSON.
Format format_of(const std::filesystem::path& file, std::string_view bytes) {
  if (bytes.starts_with("ply\n") || bytes.starts_with("ply\r")) return Format::kSplatPly;
  if (gltf::is_glb(bytes)) return Format::kSplatGlb;
  if (spz::is_zstd_spz(bytes)) return Format::kSpz;
  if (file.extension() == ".splat") return Format::kSplat;
  if (spz::is_gzip(bytes)) return Format::kSpz;
  if (gltf::is_json(bytes)) return Format::kSplatGlb;
  const bool is_zip = bytes.starts_with("PK");
  throw UserError({.what_happened = "is not a file of Gaussians that lucid knows",
                   .file = file.string(),
                   .hint = is_zip ? "if it is a .sog file, convert it to .ply by splat-transform"
                                  : "PLY, SPZ, .splat and glTF with KHR_gaussian_splatting are read"});
}

/// Names the first Gaussian with NaN or Inf.
void require_finite(const std::filesystem::path& file, const gaussians::Cloud& cloud) {
  const auto parameters = cloud.parameters();
  for (int g = 0; g < gaussians::Cloud::kGroups; ++g) {
    const torch::Tensor& x = *parameters[g];
    const float* values = x.data_ptr<float>();
    for (int64_t i = 0; i < x.numel(); ++i) {
      if (std::isfinite(values[i])) continue;
      const int64_t row = i / (x.numel() / x.size(0));
      throw UserError({.what_happened = fmt::format("is not written: {} of Gaussian {} (from 0) is {}",
                                                    gaussians::Cloud::kNames[g], row, values[i]),
                       .file = file.string(),
                       .hint = "every number must be finite"});
    }
  }
}

}  // namespace

Axes default_axes(Format format) {
  switch (format) {
    case Format::kSpz:
    case Format::kSplat:
      return Axes::kYDown;
    case Format::kSplatGlb:
    case Format::kGlb:
    case Format::kObj:
      return Axes::kYUp;
    case Format::kSplatPly:
    case Format::kPointsPly:
    case Format::kMeshPly:
    case Format::kStl:
      return Axes::kLucid;
  }
  LUCID_CHECK(false, "format {}", static_cast<int>(format));
  return Axes::kLucid;
}

bool holds_gaussians(const std::filesystem::path& file) {
  const std::string extension = lower_extension(file);
  if (extension == ".spz" || extension == ".splat" || extension == ".lsplat") return true;
  if (extension != ".ply" && extension != ".glb" && extension != ".gltf") return false;
  // Property and attribute names at the beginning of the file tell.
  std::string head(size_t{1} << 20, '\0');
  std::ifstream in(file, std::ios::binary);
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<size_t>(in.gcount()));
  const auto names = {"f_dc_0", "packed_position", "KHR_gaussian_splatting"};
  return std::ranges::any_of(names, [&](const char* name) { return head.find(name) != std::string::npos; });
}

gaussians::Cloud read_splats(const std::filesystem::path& file, std::optional<Axes> axes) {
  const torch::NoGradGuard no_grad;
  const auto mapped = MappedFile::open(file, kExpectedGaussians);
  if (is_live_frame(mapped->bytes())) return cloud_of_live_frame(file, mapped->bytes());
  const Format format = format_of(file, mapped->bytes());
  const auto decode = format == Format::kSpz        ? spz::decode
                      : format == Format::kSplat    ? dot_splat::decode
                      : format == Format::kSplatGlb ? gltf::decode
                                                    : ply::decode;
  const gaussians::Cloud cloud = decode(file, mapped->bytes());
  const Axes from = axes.value_or(default_axes(format));
  return from == Axes::kLucid ? cloud : turned(cloud, transposed(from_lucid(from)));
}

void write_splats(Format format, const std::filesystem::path& file, const gaussians::Cloud& cloud,
                  const SplatOptions& options) {
  const torch::NoGradGuard no_grad;
  if (cloud.count() == 0)
    throw UserError({.what_happened = "is not written: there are no Gaussians", .file = file.string()});
  gaussians::Cloud out = on_cpu(cloud);
  require_finite(file, out);
  const Axes to = options.axes.value_or(default_axes(format));
  if (to != Axes::kLucid) out = turned(out, from_lucid(to));
  switch (format) {
    case Format::kSplatPly:
      return write_ply(file, out, {.pad_to_sh3 = options.pad_to_sh3, .big_endian = options.big_endian});
    case Format::kPointsPly:
      return write_points_ply(file, out.means, 0.5 + kSh0 * out.sh_dc.squeeze(1));
    case Format::kSpz:
      return write_file(file, spz::encode(file, out, {options.spz_version, options.spz_fractional_bits}));
    case Format::kSplat:
      return write_file(file, dot_splat::encode(out));
    case Format::kSplatGlb:
      return write_file(file, gltf::encode(file, out));
    default:
      LUCID_CHECK(false, "format {} holds no Gaussians", static_cast<int>(format));
  }
}

}  // namespace lucid::asset
