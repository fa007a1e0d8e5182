// SPDX-License-Identifier: Apache-2.0
// Repair by half-edges: the half-edges at each edge are paired so that each wedge of the solid is closed by itself;
// the corners that are connected by pairs become the vertices.
#include "lucid/mesh/surface/repair.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <span>
#include <tuple>

#include "lucid/base/error.h"
#include "lucid/mesh/surface/components.h"
#include "lucid/mesh/union_find.h"

namespace lucid::mesh {
namespace {

// Half-edge 3 t + k runs from corner k to corner k + 1 of triangle t.
uint32_t next_in_triangle(uint32_t h) { return h % 3 == 2 ? h - 2 : h + 1; }
uint32_t start_of(const TriangleMesh& mesh, uint32_t h) { return mesh.triangles[h / 3][h % 3]; }
uint32_t end_of(const TriangleMesh& mesh, uint32_t h) { return start_of(mesh, next_in_triangle(h)); }
uint32_t opposite_of(const TriangleMesh& mesh, uint32_t h) {
  return start_of(mesh, next_in_triangle(next_in_triangle(h)));
}

/// Twice the area vector of a triangle; it points outside.
Point area_vector(const TriangleMesh& mesh, const Triangle& t) {
  return cross(mesh.positions[t[1]] - mesh.positions[t[0]], mesh.positions[t[2]] - mesh.positions[t[0]]);
}

Point unit(const Point& v) {
  float length = 0;
  return normalized(v, &length);
}

/// Triangles without area by their indices, and pairs of triangles with the same corners and opposite directions.
void drop_degenerate_and_folded(TriangleMesh* mesh) {
  std::erase_if(mesh->triangles, [](const Triangle& t) { return t[0] == t[1] || t[1] == t[2] || t[2] == t[0]; });
  struct Keyed {
    Triangle corners;  // ascending
    bool even;         // whether sorting was an even permutation
    uint32_t index;
  };
  std::vector<Keyed> keyed;
  keyed.reserve(mesh->triangles.size());
  for (uint32_t i = 0; i < mesh->triangles.size(); ++i) {
    Triangle t = mesh->triangles[i];
    bool even = true;
    for (const auto& [a, b] : {std::pair<size_t, size_t>{0, 1}, {1, 2}, {0, 1}}) {
      if (t[a] < t[b]) continue;
      std::swap(t[a], t[b]);
      even = !even;
    }
    keyed.push_back({t, even, i});
  }
  std::ranges::sort(keyed, [](const Keyed& a, const Keyed& b) {
    return std::tie(a.corners, a.index) < std::tie(b.corners, b.index);
  });
  std::vector<char> dropped(mesh->triangles.size(), 0);
  for (size_t begin = 0, end = 0; begin < keyed.size(); begin = end) {
    std::vector<uint32_t> of_direction[2];
    for (; end < keyed.size() && keyed[end].corners == keyed[begin].corners; ++end) {
      of_direction[keyed[end].even].push_back(keyed[end].index);
    }
    for (size_t i = 0; i < std::min(of_direction[0].size(), of_direction[1].size()); ++i) {
      dropped[of_direction[0][i]] = dropped[of_direction[1][i]] = 1;
    }
  }
  size_t kept = 0;
  for (size_t i = 0; i < mesh->triangles.size(); ++i) {
    if (!dropped[i]) mesh->triangles[kept++] = mesh->triangles[i];
  }
  mesh->triangles.resize(kept);
}

/// A half-edge at an edge {low, high}, low < high.
struct HalfEdge {
  uint32_t low, high;
  uint32_t id;
  bool forward;  // from low to high
};

std::vector<HalfEdge> sorted_half_edges(const TriangleMesh& mesh) {
  std::vector<HalfEdge> result;
  result.reserve(3 * mesh.triangles.size());
  for (uint32_t h = 0; h < 3 * mesh.triangles.size(); ++h) {
    const uint32_t a = start_of(mesh, h), b = end_of(mesh, h);
    result.push_back({std::min(a, b), std::max(a, b), h, a < b});
  }
  std::ranges::sort(result, [](const HalfEdge& a, const HalfEdge& b) {
    return std::tie(a.low, a.high, a.id) < std::tie(b.low, b.high, b.id);
  });
  return result;
}

/// Calls visit(half-edges of one edge) for each edge.
template <class Visit>
void for_each_edge(std::span<const HalfEdge> sorted, const Visit& visit) {
  for (size_t begin = 0, end = 0; begin < sorted.size(); begin = end) {
    while (end < sorted.size() && sorted[end].low == sorted[begin].low && sorted[end].high == sorted[begin].high) ++end;
    visit(sorted.subspan(begin, end - begin));
  }
}

/// Pairs the half-edges of an edge with more than two triangles. Around the edge, by increasing angle (right-hand rule
/// from low to high), the solid lies before a forward half-edge's triangle and after a backward one's. Each backward
/// half-edge is paired with the forward one that ends its wedge of the solid, as brackets are.
void pair_by_angle(const TriangleMesh& mesh, std::span<const HalfEdge> group, std::vector<uint32_t>* twin) {
  const Point origin = mesh.positions[group[0].low];
  const Point axis = unit(mesh.positions[group[0].high] - origin);
  const Point x = unit(std::abs(axis.x) < 0.6f ? cross(axis, Point{1, 0, 0}) : cross(axis, Point{0, 1, 0}));
  const Point y = cross(axis, x);
  struct Wing {
    float angle;
    HalfEdge half_edge;
  };
  std::vector<Wing> wings;
  int depth = 0, lowest = 0;
  size_t start = 0;
  for (const HalfEdge& h : group) {
    const Point arm = mesh.positions[opposite_of(mesh, h.id)] - origin;
    wings.push_back({std::atan2(dot(arm, y), dot(arm, x)), h});
  }
  std::ranges::stable_sort(wings, {}, &Wing::angle);
  for (size_t i = 0; i < wings.size(); ++i) {  // start where no bracket is open
    depth += wings[i].half_edge.forward ? -1 : 1;
    if (depth >= lowest) continue;
    lowest = depth;
    start = i + 1;
  }
  LUCID_CHECK(depth == 0, "an edge with {} more half-edges one way", std::abs(depth));
  std::vector<uint32_t> open;
  for (size_t i = 0; i < wings.size(); ++i) {
    const HalfEdge& h = wings[(start + i) % wings.size()].half_edge;
    if (!h.forward) {
      open.push_back(h.id);
      continue;
    }
    (*twin)[h.id] = open.back();
    (*twin)[open.back()] = h.id;
    open.pop_back();
  }
}

/// The half-edge on the other side of each half-edge.
std::vector<uint32_t> pair_half_edges(const TriangleMesh& mesh) {
  const std::vector<HalfEdge> sorted = sorted_half_edges(mesh);
  std::vector<uint32_t> twin(sorted.size());
  for_each_edge(sorted, [&](std::span<const HalfEdge> group) {
    if (group.size() == 2 && group[0].forward != group[1].forward) {
      twin[group[0].id] = group[1].id;
      twin[group[1].id] = group[0].id;
    } else {
      pair_by_angle(mesh, group, &twin);
    }
  });
  return twin;
}

/// The corners that are connected around a vertex, as sets of half-edges that begin there.
UnionFind connect_corners(const std::vector<uint32_t>& twin) {
  UnionFind fans(twin.size());
  for (uint32_t h = 0; h < twin.size(); ++h) {
    fans.unite(h, next_in_triangle(twin[h]));  // both begin where h begins
  }
  return fans;
}

/// Gives each fan of triangles a vertex of its own. Where a vertex has several fans, each gets a copy that is moved
/// into the solid.
void split_vertices(const std::vector<uint32_t>& twin, float clearance, TriangleMesh* mesh) {
  UnionFind fans = connect_corners(twin);
  std::vector<Point> inward(twin.size());  // of the fan with that root
  for (uint32_t h = 0; h < twin.size(); ++h) {
    Point& sum = inward[fans.root(h)];
    sum = sum - area_vector(*mesh, mesh->triangles[h / 3]);
  }
  std::vector<uint32_t> fans_of(mesh->positions.size(), 0);
  for (uint32_t h = 0; h < twin.size(); ++h) fans_of[start_of(*mesh, h)] += fans.root(h) == h;
  std::vector<uint32_t> vertex_of_fan(twin.size());
  std::vector<Triangle> triangles = mesh->triangles;
  std::vector<Point> positions;
  for (uint32_t h = 0; h < twin.size(); ++h) {  // the root comes first in its fan
    const uint32_t fan = fans.root(h), old = start_of(*mesh, h);
    if (fan == h) {
      vertex_of_fan[fan] = uint32_t(positions.size());
      positions.push_back(fans_of[old] == 1 ? mesh->positions[old]
                                            : mesh->positions[old] + clearance * unit(inward[fan]));
    }
    triangles[h / 3][h % 3] = vertex_of_fan[fan];
  }
  mesh->triangles = std::move(triangles);
  mesh->positions = std::move(positions);
}

/// Two edges may still connect the same two vertices. Inserts a vertex in the middle of all but one of them, and
/// returns whether there were any. A triangle is cut at most once in a call.
bool split_repeated_edges(const std::vector<uint32_t>& twin, float clearance, TriangleMesh* mesh) {
  const std::vector<HalfEdge> sorted = sorted_half_edges(*mesh);
  std::vector<char> cut(mesh->triangles.size(), 0);
  bool found = false;
  for_each_edge(sorted, [&](std::span<const HalfEdge> group) {
    if (group.size() == 2) return;
    found = true;
    size_t left = group.size() / 2 - 1;
    for (const HalfEdge& half_edge : group) {
      const uint32_t h = half_edge.id, other = twin[h];
      if (left == 0 || !half_edge.forward || cut[h / 3] || cut[other / 3]) continue;
      --left;
      cut[h / 3] = cut[other / 3] = 1;
      const uint32_t middle = uint32_t(mesh->positions.size());
      const Point outward = area_vector(*mesh, mesh->triangles[h / 3]) + area_vector(*mesh, mesh->triangles[other / 3]);
      mesh->positions.push_back(0.5f * (mesh->positions[half_edge.low] + mesh->positions[half_edge.high]) -
                                clearance * unit(outward));
      for (const uint32_t side : {h, other}) {
        Triangle first = mesh->triangles[side / 3], second = first;
        first[(side % 3 + 1) % 3] = middle;
        second[side % 3] = middle;
        mesh->triangles[side / 3] = first;
        mesh->triangles.push_back(second);
      }
    }
  });
  return found;
}

/// Vertices in ascending order of their positions.
std::vector<uint32_t> sorted_by_position(const TriangleMesh& mesh) {
  std::vector<uint32_t> order(mesh.positions.size());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::sort(order, [&](uint32_t a, uint32_t b) {
    const Point &p = mesh.positions[a], &q = mesh.positions[b];
    return std::tie(p.x, p.y, p.z, a) < std::tie(q.x, q.y, q.z, b);
  });
  return order;
}

bool equal(const Point& a, const Point& b) { return a.x == b.x && a.y == b.y && a.z == b.z; }

/// Moves vertices at equal positions apart.
void separate_vertices(float clearance, TriangleMesh* mesh) {
  for (bool moved = true; moved;) {
    moved = false;
    const std::vector<uint32_t> order = sorted_by_position(*mesh);
    const std::vector<Point> before = mesh->positions;
    float distance = 0;
    for (size_t i = 1; i < order.size(); ++i) {
      if (!equal(before[order[i - 1]], before[order[i]])) {
        distance = 0;
        continue;
      }
      distance += clearance;
      mesh->positions[order[i]].x += distance;
      moved = true;
    }
  }
}

}  // namespace

void make_manifold(float clearance, TriangleMesh* mesh) {
  drop_degenerate_and_folded(mesh);
  for (bool repeated = true; repeated;) {
    const std::vector<uint32_t> twin = pair_half_edges(*mesh);
    split_vertices(twin, clearance, mesh);
    repeated = split_repeated_edges(twin, clearance, mesh);
  }
  separate_vertices(clearance, mesh);
}

bool is_closed_manifold(const TriangleMesh& mesh) {
  const std::vector<HalfEdge> sorted = sorted_half_edges(mesh);
  bool closed = true;
  for_each_edge(sorted, [&](std::span<const HalfEdge> group) {
    closed = closed && group.size() == 2 && group[0].forward != group[1].forward && group[0].low != group[0].high;
  });
  if (!closed) return false;
  UnionFind fans = connect_corners(pair_half_edges(mesh));
  std::vector<char> used(mesh.positions.size(), 0);
  for (uint32_t h = 0; h < 3 * mesh.triangles.size(); ++h) {
    if (fans.root(h) != h) continue;
    if (used[start_of(mesh, h)]) return false;
    used[start_of(mesh, h)] = 1;
  }
  const std::vector<uint32_t> order = sorted_by_position(mesh);
  return std::ranges::adjacent_find(
             order, [&](uint32_t a, uint32_t b) { return equal(mesh.positions[a], mesh.positions[b]); }) == order.end();
}

}  // namespace lucid::mesh
