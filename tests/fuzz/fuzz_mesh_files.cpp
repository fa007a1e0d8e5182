// SPDX-License-Identifier: Apache-2.0
// Fuzz target: the readers of meshes and of points. The first byte chooses the format. A reader must throw a UserError
// or give a mesh whose triangles name vertices that are there, or finite points with as many normals and colours.
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "lucid/asset/mesh_files/mesh_readers.h"
#include "lucid/asset/mesh_files/points_files.h"
#include "lucid/base/error.h"

namespace {

void read_points(std::string_view bytes) {
  const lucid::asset::Points points = lucid::asset::read_points_ply("/nonexistent/points", bytes);
  const size_t count = points.positions.size();
  const auto fits = [count](size_t size) { return size == 0 || size == count; };
  if (count == 0 || !fits(points.normals.size()) || !fits(points.colours.size())) std::abort();
  for (const lucid::mesh::Point& p : points.positions) {
    if (!std::isfinite(p.x) || !std::isfinite(p.y) || !std::isfinite(p.z)) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace readers = lucid::asset::mesh_files;
  constexpr lucid::mesh::TriangleMesh (*kReaders[])(const std::filesystem::path&, std::string_view) = {
      readers::read_glb, readers::read_obj, readers::read_stl, readers::read_mesh_ply};
  if (size == 0) return 0;
  try {
    // No file of this name: an OBJ finds no materials.
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    constexpr uint8_t kPoints = 4;
    if (data[0] == kPoints) {
      read_points(bytes);
      return 0;
    }
    const lucid::mesh::TriangleMesh mesh = kReaders[data[0] % 4]("/nonexistent/mesh", bytes);
    for (const lucid::mesh::Triangle& t : mesh.triangles) {
      for (const uint32_t v : t) {
        if (v >= mesh.positions.size()) std::abort();
      }
    }
  } catch (const lucid::UserError&) {
  }
  return 0;
}
