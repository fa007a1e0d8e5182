// SPDX-License-Identifier: Apache-2.0
// What `lucid export` is asked for: output files with their formats, and how to make them. No libtorch.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lucid/asset/formats.h"

namespace lucid::app {

struct ExportTarget {
  asset::Format format;
  std::filesystem::path file;
};

struct ExportOptions {
  // Meshes.
  int64_t faces = 30000;         // triangles, at most
  int texture_size = 1024;       // pixels
  int resolution = 0;            // grid cells along the longest side; 0 = automatic
  bool watertight = false;       // closed and manifold
  bool vertex_colours = false;   // in place of a texture
  bool lit = false;              // glTF: shaded by the viewer's lights
  double size = 0;               // longest side in metres; 0 = 1 m, of an STL 100 mm
  std::vector<double> box = {};  // x0 y0 z0 x1 y1 z1: Gaussians outside are left out; empty = all
  bool clean = false;            // without haze and floaters, in all formats
  // Gaussians.
  std::optional<asset::Axes> axes = {}, input_axes = {};  // empty = the format's own
  bool pad_to_sh3 = false;                                // PLY: zeros up to SH degree 3
  bool big_endian = false;                                // PLY
  int spz_version = 3;                                    // 3 or 4
  bool compact = false;                                   // leave out what no view sees, and report the loss
};

/// "FILE" or "NAME:FILE" (a name in asset::kFormats). Throws UserError if the name or extension is of no format.
ExportTarget parse_target(const std::string& text);

/// "glb,spz" -> their formats. `key` is the option that errors name.
std::vector<asset::Format> parse_format_names(const std::string& text, const std::string& key);

/// The file of each format in a folder: "chair.glb", and where extensions meet "chair_splats.glb", "chair_points.ply".
std::vector<ExportTarget> targets_in(const std::filesystem::path& folder, const std::string& name,
                                     const std::vector<asset::Format>& formats);

/// The row of asset::kFormats.
const asset::FormatRow& row_of(asset::Format format);

/// Throws UserError where a number is out of range.
void check_export(const ExportOptions& options);

}  // namespace lucid::app
