// SPDX-License-Identifier: Apache-2.0
// Files of Gaussians in every format: PLY (3D Gaussian Splatting; compressed PLY of PlayCanvas, read only), SPZ, .splat
// and glTF with KHR_gaussian_splatting. Also the axes that each format assumes, and the rotation of a cloud.
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string_view>

#include "lucid/asset/formats.h"
#include "lucid/gaussians/cloud.h"
#include "lucid/math/vec.h"

namespace lucid::asset {

/// The axes of a format unless told otherwise, for writing and for reading: PLY kLucid, glTF kYUp, SPZ and .splat
/// kYDown. SPZ and .splat files do not say their axes; their viewers expect kYDown.
Axes default_axes(Format format);

struct SplatOptions {
  std::optional<Axes> axes = {};  // default_axes()
  bool pad_to_sh3 = false;        // PLY: zeros up to SH degree 3, which some viewers require
  bool big_endian = false;        // PLY: big-endian numbers
  int spz_version = 3;            // 3 (gzip, read by all viewers) or 4 (zstd)
  std::optional<int> spz_fractional_bits =
      {};  // of positions, 0 to 24; else the most that fit all positions, at most 16
};

/// Whether a file looks like Gaussians and not like a mesh or points: by its extension, or by the names at its
/// beginning. False for a file that cannot be read.
bool holds_gaussians(const std::filesystem::path& file);

/// Reads a file of Gaussians. The format is recognised by its content; .splat, which has no magic number, by the
/// extension. The result is in lucid's axes; `axes` overrides the format's default_axes(). Opacities 0 and 1 become
/// logits of -+13.8. SH coefficients beyond degree 3 are left out. Throws UserError, also for NaN, Inf and a file
/// without Gaussians. Reads a live frame (asset/live_frame.h) as well.
gaussians::Cloud read_splats(const std::filesystem::path& file, std::optional<Axes> axes = std::nullopt);

/// Writes kSplatPly, kSpz, kSplat, kSplatGlb or kPointsPly, atomically. The cloud is in lucid's axes. Throws UserError
/// (unwritable file, disk full, a cloud without Gaussians, NaN or Inf, a position that an SPZ file cannot hold).
void write_splats(Format format, const std::filesystem::path& file, const gaussians::Cloud& cloud,
                  const SplatOptions& options = {});

/// The rotation that takes lucid's axes to `axes`.
Mat3<double> from_lucid(Axes axes);

/// The cloud after a proper rotation of the world: means, orientations, and SH coefficients of all degrees.
gaussians::Cloud turned(const gaussians::Cloud& cloud, const Mat3<double>& rotation);

}  // namespace lucid::asset
