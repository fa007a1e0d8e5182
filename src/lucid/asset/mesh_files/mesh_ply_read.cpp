// SPDX-License-Identifier: Apache-2.0
// Reader of PLY meshes: positions, colours and polygons, with the header and body parsers of the Gaussian PLYs.
#include "lucid/asset/mesh_files/mesh_parts.h"
#include "lucid/asset/mesh_files/mesh_readers.h"
#include "lucid/asset/mesh_files/ply_properties.h"
#include "lucid/asset/splats/ply_body.h"
#include "lucid/base/error.h"

namespace lucid::asset::mesh_files {
namespace {

constexpr const char* kPlyHint = "a PLY with vertices and faces was expected";

[[noreturn]] void refuse_ply(const std::filesystem::path& file, const std::string& what) {
  throw UserError({.what_happened = what, .file = file.string(), .hint = kPlyHint});
}

void read_vertices(ply::Body& body, const ply::Element& vertex, const std::filesystem::path& file, MeshPart& part) {
  const PropertyTriple position = position_properties(vertex), colour = colour_properties(vertex);
  if (!position.complete()) refuse_ply(file, "lacks the vertex properties x y z");
  body.require_room(vertex);
  if (vertex.count > kMostElements) refuse_ply(file, fmt::format("has more than {} vertices", kMostElements));
  part.positions.resize(vertex.count);
  const bool coloured = colour.complete();
  if (coloured) part.colours.resize(vertex.count);
  body.read(vertex, [&](int64_t row, size_t property, double value) {
    set_component(position, property, value, part.positions[static_cast<size_t>(row)]);
    for (size_t c = 0; coloured && c < 3; ++c) {
      if (property == colour.numbers[c])
        part.colours[static_cast<size_t>(row)][c] = colour_byte(vertex.properties[property].type, value);
    }
  });
}

/// Splits each polygon into triangles around its first corner.
void read_faces(ply::Body& body, const ply::Element& face, const std::filesystem::path& file, MeshPart& part) {
  const size_t corners = property_named(face, {"vertex_indices", "vertex_index"}, /*is_list=*/true);
  if (corners == kAbsentProperty) refuse_ply(file, "lacks the face property vertex_indices");
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
