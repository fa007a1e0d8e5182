// SPDX-License-Identifier: Apache-2.0
// Reader of PLY point clouds, with the header and body parsers of the Gaussian PLYs.
#include <cmath>

#include "lucid/asset/mesh_files/mesh_parts.h"
#include "lucid/asset/mesh_files/ply_properties.h"
#include "lucid/asset/mesh_files/points_files.h"
#include "lucid/asset/splats/ply_body.h"
#include "lucid/base/error.h"

namespace lucid::asset {
namespace {

using mesh_files::PropertyTriple;

[[noreturn]] void refuse_points(const std::filesystem::path& file, const std::string& what) {
  throw UserError({.what_happened = what, .file = file.string(), .hint = "a PLY of points was expected"});
}

bool is_finite_point(const mesh::Point& p) { return std::isfinite(p.x) && std::isfinite(p.y) && std::isfinite(p.z); }

Points read_vertices_as_points(ply::Body& body, const ply::Element& vertex, const std::filesystem::path& file) {
  const PropertyTriple position = mesh_files::position_properties(vertex);
  const PropertyTriple normal = mesh_files::normal_properties(vertex), colour = mesh_files::colour_properties(vertex);
  if (!position.complete()) refuse_points(file, "lacks the vertex properties x y z");
  body.require_room(vertex);
  if (vertex.count > mesh_files::kMostElements)
    refuse_points(file, fmt::format("has more than {} points", mesh_files::kMostElements));
  Points points;
  points.positions.resize(vertex.count);
  if (normal.complete()) points.normals.resize(vertex.count);
  if (colour.complete()) points.colours.resize(vertex.count);
  body.read(vertex, [&](int64_t at, size_t property, double value) {
    const auto row = static_cast<size_t>(at);
    mesh_files::set_component(position, property, value, points.positions[row]);
    if (normal.complete()) mesh_files::set_component(normal, property, value, points.normals[row]);
    for (size_t c = 0; colour.complete() && c < 3; ++c) {
      if (property == colour.numbers[c])
        points.colours[row][c] = mesh_files::colour_byte(vertex.properties[property].type, value);
    }
  });
  return points;
}

/// Drops the points that are not finite, and makes the normals unit vectors or zero.
void tidy(Points& points) {
  size_t kept = 0, directions = 0;
  for (size_t i = 0; i < points.positions.size(); ++i) {
    if (!is_finite_point(points.positions[i])) continue;
    points.positions[kept] = points.positions[i];
    if (!points.colours.empty()) points.colours[kept] = points.colours[i];
    if (!points.normals.empty()) {
      float length = 0;
      const mesh::Point unit = normalized(points.normals[i], &length);
      const bool has_direction = length > 0 && is_finite_point(unit);
      points.normals[kept] = has_direction ? unit : mesh::Point{};
      directions += has_direction ? 1 : 0;
    }
    ++kept;
  }
  points.left_out = static_cast<int64_t>(points.positions.size() - kept);
  points.positions.resize(kept);
  points.normals.resize(directions == 0 ? 0 : kept);
  if (!points.colours.empty()) points.colours.resize(kept);
}

}  // namespace

bool ply_has_faces(const std::filesystem::path& file, std::string_view bytes) {
  const ply::Header header = ply::parse_header(file, bytes);
  return std::ranges::any_of(header.elements, [](const ply::Element& e) { return e.name == "face" && e.count > 0; });
}

Points read_points_ply(const std::filesystem::path& file, std::string_view bytes) {
  const ply::Header header = ply::parse_header(file, bytes);
  ply::Body body(file, bytes, header);
  for (const ply::Element& element : header.elements) {
    if (element.name != "vertex") {
      body.require_room(element);
      body.skip(element);
      continue;
    }
    Points points = read_vertices_as_points(body, element, file);
    const size_t declared = points.positions.size();
    tidy(points);
    if (points.positions.empty())
      refuse_points(file, declared == 0 ? "holds no points" : "holds no point that is finite");
    return points;  // elements after the vertices are not read
  }
  refuse_points(file, "has no element \"vertex\"");
}

}  // namespace lucid::asset
