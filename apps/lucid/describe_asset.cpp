// SPDX-License-Identifier: Apache-2.0
// Counts, bounds and distributions of Gaussians; counts, bounds and connections of meshes.
#include "describe_asset.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string>

#include "lucid/asset/mesh_files/mesh_files.h"
#include "lucid/asset/splats/splats.h"
#include "lucid/base/sha256.h"
#include "lucid/mesh/normalise.h"
#include "lucid/render/constants.h"

namespace lucid::cli {
namespace fs = std::filesystem;
namespace {

void print_box(const char* what, const mesh::Point& low, const mesh::Point& high) {
  fmt::print("  {:<14}{:.3f} {:.3f} {:.3f} to {:.3f} {:.3f} {:.3f}\n", what, low.x, low.y, low.z, high.x, high.y,
             high.z);
}

mesh::Point point_of(const torch::Tensor& row) {
  return {row[0].item<float>(), row[1].item<float>(), row[2].item<float>()};
}

/// The values below which a tenth, a half and nine tenths lie.
void print_distribution(const char* what, const torch::Tensor& values) {
  const torch::Tensor sorted = std::get<0>(values.flatten().sort());
  const int64_t last = sorted.size(0) - 1;
  const auto at = [&](int64_t tenths) { return sorted[last * tenths / 10].item<float>(); };
  fmt::print("  {:<14}10 % {:.4g}, median {:.4g}, 90 % {:.4g}\n", what, at(1), at(5), at(9));
}

void describe_gaussians(const fs::path& file) {
  const gaussians::Cloud cloud = asset::read_splats(file);
  fmt::print("{}: {} Gaussians, SH degree {}, {} bytes\n", file.string(), cloud.count(), cloud.sh_degree(),
             fs::file_size(file));
  print_box("centres", point_of(std::get<0>(cloud.means.min(0))), point_of(std::get<0>(cloud.means.max(0))));
  const gaussians::Activated active = gaussians::activate(cloud);
  if ((active.opacities >= render::kAlphaCut).any().item<bool>()) {
    const mesh::Extent extent = mesh::extent_of(active.view());
    print_box("box of 99.9 %", extent.all.low, extent.all.high);
    print_box("middle half", extent.middle.low, extent.middle.high);
    fmt::print("  {:<14}{} (the box is {:.1f} times the middle half)\n", "looks like",
               extent.is_scene() ? "a scene" : "an object", extent.spread());
  } else {
    fmt::print("  no Gaussian is opaque enough to be seen\n");
  }
  print_distribution("opacity", active.opacities);
  print_distribution("scale", active.scales);
}

void describe_mesh(const fs::path& file) {
  const mesh::TriangleMesh mesh = asset::read_mesh(file);
  fmt::print("{}: mesh of {} triangles and {} vertices, {} bytes\n", file.string(), mesh.triangles.size(),
             mesh.positions.size(), fs::file_size(file));
  constexpr float kFar = std::numeric_limits<float>::max();
  mesh::Point low{kFar, kFar, kFar}, high{-kFar, -kFar, -kFar};
  for (const mesh::Point& p : mesh.positions) {
    low = {std::min(low.x, p.x), std::min(low.y, p.y), std::min(low.z, p.z)};
    high = {std::max(high.x, p.x), std::max(high.y, p.y), std::max(high.z, p.z)};
  }
  print_box("box", low, high);
  const mesh::Topology topology = mesh::topology(mesh);
  fmt::print("  {:<14}{}\n", "components", topology.components);
  fmt::print("  {:<14}{}\n", "watertight",
             topology.closed() ? "yes"
                               : fmt::format("no: {} border edges, {} non-manifold edges", topology.border_edges,
                                             topology.non_manifold_edges));
  fmt::print("  {:<14}{}\n", "colours",
             mesh.texture.width > 0  ? fmt::format("texture of {} x {}", mesh.texture.width, mesh.texture.height)
             : !mesh.colours.empty() ? "at the vertices"
                                     : "none");
}

}  // namespace

bool is_asset(const fs::path& file) {
  constexpr std::array<const char*, 7> kExtensions = {".ply", ".spz", ".splat", ".glb", ".gltf", ".obj", ".stl"};
  return std::ranges::find(kExtensions, file.extension().string()) != kExtensions.end();
}

std::string title_of(const fs::path& file) {
  const fs::path run = fs::absolute(file).parent_path().parent_path().parent_path();
  return file.stem() == "point_cloud" && run.has_filename() ? run.filename().string() : file.stem().string();
}

void describe_asset(const fs::path& file) {
  if (asset::holds_gaussians(file)) {
    describe_gaussians(file);
  } else {
    describe_mesh(file);
  }
  fmt::print("  {:<14}{}\n", "SHA-256", sha256_of_file(file));
}

}  // namespace lucid::cli
