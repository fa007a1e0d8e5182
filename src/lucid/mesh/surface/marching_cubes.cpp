// SPDX-License-Identifier: Apache-2.0
// Marching cubes without a case table. In each cell, the crossed edges are linked face by face into closed loops, and
// the loops are cut into triangles. A face with two diagonal inside corners is decided by its own four values
// (asymptotic decider, Nielson and Hamann 1991), so both of its cells link it alike.
#include "lucid/mesh/surface/marching_cubes.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "lucid/base/error.h"
#include "lucid/base/parallel.h"

namespace lucid::mesh {
namespace {

// Corner c of a cell lies at (c & 1, c >> 1 & 1, c >> 2 & 1). Edge 4 * axis + k runs along `axis`.
constexpr std::array<std::array<int, 2>, 12> kEdgeCorners = {
    {{0, 1}, {2, 3}, {4, 5}, {6, 7}, {0, 2}, {1, 3}, {4, 6}, {5, 7}, {0, 4}, {1, 5}, {2, 6}, {3, 7}}};
// Corners of each face, counter-clockwise seen from outside the cell.
constexpr std::array<std::array<int, 4>, 6> kFaceCorners = {
    {{0, 4, 6, 2}, {1, 3, 7, 5}, {0, 1, 5, 4}, {2, 6, 7, 3}, {0, 2, 3, 1}, {4, 5, 7, 6}}};

constexpr int edge_between(int a, int b) {
  for (int e = 0; e < 12; ++e) {
    const auto& corners = kEdgeCorners[size_t(e)];
    if ((corners[0] == a && corners[1] == b) || (corners[0] == b && corners[1] == a)) return e;
  }
  return -1;
}

constexpr auto kFaceEdges = [] {  // edge i runs from corner i to corner i + 1 of the face
  std::array<std::array<int, 4>, 6> edges{};
  for (size_t f = 0; f < 6; ++f) {
    for (size_t i = 0; i < 4; ++i) edges[f][i] = edge_between(kFaceCorners[f][i], kFaceCorners[f][(i + 1) % 4]);
  }
  return edges;
}();

constexpr auto kOnOneFace = [] {  // whether two edges lie on a common face
  std::array<std::array<bool, 12>, 12> result{};
  for (const auto& face : kFaceEdges) {
    for (const int a : face) {
      for (const int b : face) result[size_t(a)][size_t(b)] = true;
    }
  }
  return result;
}();

/// The loops of crossed edges in one cell: `next` of each crossed edge, -1 of the others.
using Links = std::array<int8_t, 12>;

/// `values` are the corners' values less 1. Seen from outside the cell, a link has the inside on its left.
Links link_edges(const std::array<float, 8>& values) {
  Links next;
  next.fill(-1);
  for (size_t f = 0; f < 6; ++f) {
    std::array<float, 4> v{};
    for (size_t i = 0; i < 4; ++i) v[i] = values[size_t(kFaceCorners[f][i])];
    const auto inside = [&](size_t i) { return v[i % 4] >= 0; };
    // An edge "enters" if it runs from an outside corner to an inside one. Two diagonal inside corners are joined if
    // the bilinear interpolation is inside at its saddle point.
    const bool ambiguous = inside(0) == inside(2) && inside(1) == inside(3) && inside(0) != inside(1);
    const bool joined = ambiguous && (inside(0) ? v[0] * v[2] > v[1] * v[3] : v[1] * v[3] > v[0] * v[2]);
    for (size_t i = 0; i < 4; ++i) {
      if (inside(i) || !inside(i + 1)) continue;
      size_t exit = joined ? i + 3 : i + 1;  // around the outside corner i, or around the inside corner i + 1
      while (!joined && inside(exit + 1)) ++exit;
      next[size_t(kFaceEdges[f][i])] = int8_t(kFaceEdges[f][exit % 4]);
    }
  }
  return next;
}

/// The vertices on the lattice edges that leave the samples of one plane of constant z in the three directions.
struct PlaneVertices {
  std::array<std::vector<uint32_t>, 3> along;  // [3][Y*X], only valid at crossed edges
};

/// Vertices and triangles of one range of planes and the cells above them.
struct Part {
  std::vector<Point> centres;       // of loops
  std::vector<Triangle> triangles;  // vertex kCentre + i is centre i of the part
};
constexpr uint32_t kCentre = 1u << 31;

class Mesher {
 public:
  Mesher(const Field& field, const Lattice& lattice) : field_(field), lattice_(lattice), size_(lattice.size) {
    LUCID_CHECK(int64_t(field.size()) == lattice.count(), "{} values for {} samples", field.size(), lattice.count());
    find_rows();
  }

  TriangleMesh run() {
    const int planes = size_[2];
    std::vector<uint32_t> first(size_t(planes) + 1, 0);
    parallel_for(planes, 1, [&](int64_t z) {
      uint32_t count = 0;
      for_each_vertex(int(z), [&](int, int, int) { ++count; });
      first[size_t(z) + 1] = count;
    });
    for (size_t z = 1; z < first.size(); ++z) first[z] += first[z - 1];
    TriangleMesh mesh;
    mesh.positions.resize(first.back());
    parallel_for(planes, 1, [&](int64_t z) {
      uint32_t id = first[size_t(z)];
      for_each_vertex(int(z), [&](int axis, int x, int y) { mesh.positions[id++] = vertex(axis, x, y, int(z)); });
    });
    std::vector<Part> parts(size_t((planes - 1 + kPlanesOfPart - 1) / kPlanesOfPart));
    parallel_for(int64_t(parts.size()), 1, [&](int64_t i) { parts[size_t(i)] = make_part(int(i), first, mesh); });
    join(parts, &mesh);
    return mesh;
  }

 private:
  static constexpr int kPlanesOfPart = 8;

  bool inside(int64_t i) const { return field_[size_t(i)] >= 1; }
  bool row_has_inside(int y, int z) const { return rows_[size_t(z) * size_t(size_[1]) + size_t(y)] != 0; }

  /// Notes the rows along x with an inside sample: most rows have none.
  void find_rows() {
    rows_.resize(size_t(size_[1]) * size_t(size_[2]));
    parallel_for(int64_t(rows_.size()), 256, [&](int64_t row) {
      const float* values = &field_[size_t(row * size_[0])];
      rows_[size_t(row)] = std::any_of(values, values + size_[0], [](float v) { return v >= 1; });
    });
  }

  /// Calls visit(axis, x, y) for the crossed edges that leave plane z's samples, in a fixed order.
  template <class Visit>
  void for_each_vertex(int z, const Visit& visit) const {
    const int64_t step_y = size_[0], step_z = int64_t{size_[0]} * size_[1];
    for (int y = 0; y < size_[1]; ++y) {
      const bool has_y = y + 1 < size_[1], has_z = z + 1 < size_[2];
      if (!row_has_inside(y, z) && !(has_y && row_has_inside(y + 1, z)) && !(has_z && row_has_inside(y, z + 1)))
        continue;
      for (int x = 0; x < size_[0]; ++x) {
        const int64_t i = lattice_.index(x, y, z);
        const bool here = inside(i);
        if (x + 1 < size_[0] && inside(i + 1) != here) visit(0, x, y);
        if (has_y && inside(i + step_y) != here) visit(1, x, y);
        if (has_z && inside(i + step_z) != here) visit(2, x, y);
      }
    }
  }

  /// The point where the field is 1 on an edge, by linear interpolation.
  Point vertex(int axis, int x, int y, int z) const {
    constexpr float kClearance = 0.02f;  // of an edge: keeps the vertices near one sample apart
    const int dx = axis == 0, dy = axis == 1, dz = axis == 2;
    const float a = field_[size_t(lattice_.index(x, y, z))], b = field_[size_t(lattice_.index(x + dx, y + dy, z + dz))];
    const float t = std::clamp((1 - a) / (b - a), kClearance, 1 - kClearance);
    return lattice_.at(float(x) + float(dx) * t, float(y) + float(dy) * t, float(z) + float(dz) * t);
  }

  PlaneVertices number_plane(int z, uint32_t first) const {
    PlaneVertices plane;
    for (auto& ids : plane.along) ids.resize(size_t(size_[0]) * size_t(size_[1]));
    for_each_vertex(z, [&](int axis, int x, int y) {
      plane.along[size_t(axis)][size_t(y) * size_t(size_[0]) + size_t(x)] = first++;
    });
    return plane;
  }

  Part make_part(int index, const std::vector<uint32_t>& first, const TriangleMesh& mesh) const {
    const int begin = index * kPlanesOfPart, end = std::min(begin + kPlanesOfPart, size_[2] - 1);
    Part part;
    PlaneVertices below, above = number_plane(begin, first[size_t(begin)]);
    for (int z = begin; z < end; ++z) {
      below = std::move(above);
      above = number_plane(z + 1, first[size_t(z) + 1]);
      for (int y = 0; y + 1 < size_[1]; ++y) {
        if (!row_has_inside(y, z) && !row_has_inside(y + 1, z) && !row_has_inside(y, z + 1) &&
            !row_has_inside(y + 1, z + 1))
          continue;
        for (int x = 0; x + 1 < size_[0]; ++x) add_cell(x, y, z, below, above, mesh.positions, &part);
      }
    }
    return part;
  }

  void add_cell(int x, int y, int z, const PlaneVertices& below, const PlaneVertices& above,
                const std::vector<Point>& positions, Part* part) const {
    std::array<float, 8> values{};
    int outside = 0;
    for (int c = 0; c < 8; ++c) {
      values[size_t(c)] = field_[size_t(lattice_.index(x + (c & 1), y + (c >> 1 & 1), z + (c >> 2)))] - 1;
      outside += values[size_t(c)] < 0;
    }
    if (outside == 0 || outside == 8) return;
    Links next = link_edges(values);
    for (int start = 0; start < 12; ++start) {
      std::array<int, 12> edges{};  // of one loop
      size_t length = 0;
      for (int e = start; next[size_t(e)] >= 0;) {
        edges[length++] = e;
        const int after = next[size_t(e)];
        next[size_t(e)] = -1;
        e = after;
      }
      if (length == 0) continue;
      std::array<uint32_t, 12> vertices{};
      for (size_t i = 0; i < length; ++i) {
        const int corner = kEdgeCorners[size_t(edges[i])][0];
        const PlaneVertices& plane = corner >> 2 ? above : below;
        const size_t at = size_t(y + (corner >> 1 & 1)) * size_t(size_[0]) + size_t(x + (corner & 1));
        vertices[i] = plane.along[size_t(edges[i] / 4)][at];
      }
      add_loop({edges.data(), length}, {vertices.data(), length}, positions, part);
    }
  }

  /// Cuts a loop into triangles. A diagonal between two edges of one face could coincide with an edge of the next
  /// cell's triangles; if every fan has such a diagonal, the loop gets a vertex at its centre.
  static void add_loop(std::span<const int> edges, std::span<const uint32_t> vertices,
                       const std::vector<Point>& positions, Part* part) {
    const size_t n = edges.size();
    size_t best = n;
    float best_length = 0;
    for (size_t s = 0; s < n; ++s) {
      bool allowed = true;
      float length = 0;  // sum of the squared diagonals
      for (size_t i = 2; i + 1 < n; ++i) {
        allowed = allowed && !kOnOneFace[size_t(edges[s])][size_t(edges[(s + i) % n])];
        const Point d = positions[vertices[s]] - positions[vertices[(s + i) % n]];
        length += dot(d, d);
      }
      if (allowed && (best == n || length < best_length)) {
        best = s;
        best_length = length;
      }
    }
    if (best < n) {
      for (size_t i = 1; i + 1 < n; ++i) {
        part->triangles.push_back({vertices[best], vertices[(best + i) % n], vertices[(best + i + 1) % n]});
      }
      return;
    }
    Point centre;
    for (const uint32_t v : vertices) centre = centre + (1 / float(n)) * positions[v];
    const uint32_t id = kCentre + uint32_t(part->centres.size());
    part->centres.push_back(centre);
    for (size_t i = 0; i < n; ++i) part->triangles.push_back({id, vertices[i], vertices[(i + 1) % n]});
  }

  static void join(const std::vector<Part>& parts, TriangleMesh* mesh) {
    size_t triangles = 0;
    for (const Part& part : parts) triangles += part.triangles.size();
    mesh->triangles.reserve(triangles);
    for (const Part& part : parts) {
      const uint32_t first = uint32_t(mesh->positions.size());
      mesh->positions.insert(mesh->positions.end(), part.centres.begin(), part.centres.end());
      for (Triangle t : part.triangles) {
        for (uint32_t& v : t) v = v >= kCentre ? v - kCentre + first : v;
        mesh->triangles.push_back(t);
      }
    }
  }

  const Field& field_;
  const Lattice& lattice_;
  std::array<int, 3> size_;
  std::vector<char> rows_;  // [Z,Y] whether the row has an inside sample
};

}  // namespace

TriangleMesh marching_cubes(const Field& field, const Lattice& lattice) { return Mesher(field, lattice).run(); }

}  // namespace lucid::mesh
