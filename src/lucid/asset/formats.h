// SPDX-License-Identifier: Apache-2.0
// The formats that `lucid export` writes: name, extension and what it holds. No libtorch: the command line reads it.
#pragma once

#include <array>
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
    {Format::kSpz, "spz", ".spz", Holds::kSplats, "compressed Gaussians (Niantic), a tenth of a PLY"},
    {Format::kSplat, "splat", ".splat", Holds::kSplats, "Gaussians without view dependence, 32 bytes each"},
    {Format::kSplatPly, "splat-ply", ".ply", Holds::kSplats, "Gaussians as 3D Gaussian Splatting PLY"},
    {Format::kSplatGlb, "splat-glb", ".glb", Holds::kSplats, "Gaussians as glTF, KHR_gaussian_splatting"},
    {Format::kPointsPly, "points-ply", ".ply", Holds::kPoints, "coloured points, which any 3D program shows"},
}};

}  // namespace lucid::asset
