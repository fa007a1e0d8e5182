// SPDX-License-Identifier: Apache-2.0
// Reader of PLY meshes: positions, colours and polygons, with the header and body parsers of the Gaussian PLYs.
#include <algorithm>
#include <array>
#include <optional>

#include "lucid/asset/mesh_files/mesh_parts.h"
#include "lucid/asset/mesh_files/mesh_readers.h"
#include "lucid/asset/splats/ply_body.h"
#include "lucid/base/error.h"

namespace lucid::asset::mesh_files {
namespace {

constexpr size_t kAbsent = static_cast<size_t>(-1);
constexpr const char* kPlyHint = "a PLY with vertices and faces was expected";

[[noreturn]] void refuse_ply(const std::filesystem::path& file, const std::string& what) {
  throw UserError({.what_happened = what, .file = file.string(), .hint = kPlyHint});
}

/// The number of the first property of these names, or kAbsent.
size_t property_named(const ply::Element& element, std::initializer_list<std::string_view> names, bool is_list) {
  for (size_t i = 0; i < element.properties.size(); ++i) {
    const ply::Property& p = element.properties[i];
    if (p.is_list == is_list && std::find(names.begin(), names.end(), p.name) != names.end()) return i;
  }
  return kAbsent;
}

/// What a stored colour is multiplied by to lie in 0 to 255.
double colour_scale(ply::Scalar type) {
  switch (type) {
    case ply::Scalar::kFloat32:
    case ply::Scalar::kFloat64:
      return 255;
    case ply::Scalar::kUint16:
      return 255.0 / 65535;
    default:
      return 1;
  }
}

void read_vertices(ply::Body& body, const ply::Element& vertex, const std::filesystem::path& file, MeshPart& part) {
  const std::array<size_t, 3> position = {property_named(vertex, {"x"}, false), property_named(vertex, {"y"}, false),
                                          property_named(vertex, {"z"}, false)};
  const std::array<size_t, 3> colour = {property_named(vertex, {"red", "r", "diffuse_red"}, false),
                                        property_named(vertex, {"green", "g", "diffuse_green"}, false),
                                        property_named(vertex, {"blue", "b", "diffuse_blue"}, false)};
  if (std::count(position.begin(), position.end(), kAbsent) > 0) refuse_ply(file, "lacks the vertex properties x y z");
  body.require_room(vertex);
  if (vertex.count > kMostElements) refuse_ply(file, fmt::format("has more than {} vertices", kMostElements));
  part.positions.resize(vertex.count);
  const bool coloured = std::count(colour.begin(), colour.end(), kAbsent) == 0;
  if (coloured) part.colours.resize(vertex.count);
  body.read(vertex, [&](int64_t row, size_t property, double value) {
    mesh::Point& p = part.positions[static_cast<size_t>(row)];
    const auto x = static_cast<float>(value);
    if (property == position[0]) p.x = x;
    if (property == position[1]) p.y = x;
    if (property == position[2]) p.z = x;
    for (size_t c = 0; coloured && c < 3; ++c) {
      if (property != colour[c]) continue;
      const double byte = value * colour_scale(vertex.properties[property].type) + 0.5;
      part.colours[static_cast<size_t>(row)][c] = static_cast<uint8_t>(byte > 0 ? std::min(byte, 255.0) : 0);
    }
  });
}

/// Splits each polygon into triangles around its first corner.
void read_faces(ply::Body& body, const ply::Element& face, const std::filesystem::path& file, MeshPart& part) {
  const size_t corners = property_named(face, {"vertex_indices", "vertex_index"}, true);
  if (corners == kAbsent) refuse_ply(file, "lacks the face property vertex_indices");
  int64_t current = -1;
  uint32_t first = 0, previous = 0;
  size_t seen = 0;  // corners of the current face
  const auto take = [&](int64_t row, size_t property, double value) {
    if (property != corners) return;
    // Negative and fractional indices, and NaN, are refused here; too large ones when the vertices are known.
    if (!(value >= 0 && value < 4294967296.0) || value != static_cast<double>(static_cast<uint32_t>(value))) {
      refuse_ply(file, fmt::format("face {} (from 0) has the vertex index {}", row, value));
    }
    if (row != current) seen = 0;
    current = row;
    const auto corner = static_cast<uint32_t>(value);
    if (seen == 0) first = corner;
    if (seen >= 2) part.triangles.push_back({first, previous, corner});
    if (part.triangles.size() > kMostElements) refuse_ply(file, fmt::format("has more than {} faces", kMostElements));
    previous = corner;
    ++seen;
  };
  body.read(face, nullptr, take);
}

ply::Header header_of(const std::filesystem::path& file, std::string_view bytes) {
  try {
    return ply::parse_header(file, bytes);
  } catch (const UserError& error) {
    UserMistake mistake = error.mistake();
    mistake.hint = kPlyHint;  // instead of one about Gaussians
    throw UserError(std::move(mistake));
  }
}

}  // namespace

mesh::TriangleMesh read_mesh_ply(const std::filesystem::path& file, std::string_view bytes) {
  const ply::Header header = header_of(file, bytes);
  ply::Body body(file, bytes, header);
  MeshPart part;
  bool has_faces = false;
  for (const ply::Element& element : header.elements) {
    if (element.name == "vertex") {
      read_vertices(body, element, file, part);
    } else if (element.name == "face") {
      read_faces(body, element, file, part);
      has_faces = true;
    } else {
      body.require_room(element);
      body.skip(element);
    }
  }
  if (!has_faces) refuse_ply(file, "has no faces: a point cloud or Gaussians, not a mesh");
  std::vector<MeshPart> parts;
  parts.push_back(std::move(part));
  return join(file, std::move(parts));
}

}  // namespace lucid::asset::mesh_files
