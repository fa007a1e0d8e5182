// SPDX-License-Identifier: Apache-2.0
// The formats that `lucid export` writes (name, extension, what they hold), and the axes of files. No libtorch: the
// command line reads it.
#pragma once

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace lucid::asset {

enum class Format { kGlb, kObj, kStl, kMeshPly, kSpz, kSplat, kSplatPly, kSplatGlb, kPointsPly };
enum class Holds { kMesh, kSplats, kPoints };

struct FormatRow {
  Format format;
  std::string_view name;       // on the command line: NAME:FILE
  std::string_view extension;  // the first row with an extension is what a file name without NAME: means
  Holds holds;
  std::string_view about;
};

inline constexpr std::array<FormatRow, 9> kFormats = {{
    {Format::kGlb, "glb", ".glb", Holds::kMesh, "textured mesh, binary glTF: Blender, Unity, three.js"},
    {Format::kObj, "obj", ".obj", Holds::kMesh, "textured mesh, with .mtl and .png beside it"},
    {Format::kStl, "stl", ".stl", Holds::kMesh, "mesh without colours, in millimetres, for 3D printing"},
    {Format::kMeshPly, "mesh-ply", ".ply", Holds::kMesh, "mesh with vertex colours"},
    {Format::kSpz, "spz", ".spz", Holds::kSplats, "compressed Gaussians (Niantic), for web and phones"},
    {Format::kSplat, "splat", ".splat", Holds::kSplats, "Gaussians without view dependence, 32 bytes each"},
    {Format::kSplatPly, "splat-ply", ".ply", Holds::kSplats, "Gaussians as 3D Gaussian Splatting PLY"},
    {Format::kSplatGlb, "splat-glb", ".glb", Holds::kSplats, "Gaussians as glTF, KHR_gaussian_splatting"},
    {Format::kPointsPly, "points-ply", ".ply", Holds::kPoints, "coloured points, which any 3D program shows"},
}};

/// The world axes of the numbers in a file. All are right-handed.
enum class Axes {
  kLucid,  // z up, front +y: lucid's own axes, and those of the reference's PLY
  kYUp,    // y up, front +z: glTF, also called RUB
  kYDown,  // y down, front -z: RDF, the axes of most 3DGS PLY files, which PLY viewers turn upright
};

/// The name of each value of Axes on the command line, in the order of Axes.
inline constexpr std::array<std::string_view, 3> kAxesNames = {"lucid", "y-up", "y-down"};

/// The extension of a file name in lower case, with its dot.
inline std::string lower_extension(const std::filesystem::path& file) {
  std::string extension = file.extension().string();
  std::ranges::transform(extension, extension.begin(), [](unsigned char c) { return std::tolower(c); });
  return extension;
}

/// The axes with one of kAxesNames; empty for another name.
inline std::optional<Axes> axes_named(std::string_view name) {
  const auto found = std::ranges::find(kAxesNames, name);
  if (found == kAxesNames.end()) return std::nullopt;
  return static_cast<Axes>(found - kAxesNames.begin());
}

}  // namespace lucid::asset
