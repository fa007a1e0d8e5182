// SPDX-License-Identifier: Apache-2.0
// Projection, the test for overlaps, and splitting of regions that cannot be flattened.
#include "lucid/mesh/atlas/flatten.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <unordered_map>

#include "lucid/base/parallel.h"
#include "lucid/mesh/atlas/relax.h"

namespace lucid::mesh {
namespace {

constexpr int kSweeps = 40;                // of the relaxation
constexpr double kLongest = 0.6;           // longest side of a chart's box, over the root of the mesh's area ...
constexpr double kLongestOfCompact = 1.5;  // ... or over the root of the chart's area
constexpr StretchLimits kStretch{.mean = 1.2, .large = 1.8, .large_share = 0.01};

using V = Vec3<double>;

V unit(const V& v) {
  double length;
  return normalized(v, &length);
}

std::array<Point, 3> points_of(const TriangleMesh& mesh, const Triangle& t) {
  return {mesh.positions[t[0]], mesh.positions[t[1]], mesh.positions[t[2]]};
}

V normal_of(const TriangleMesh& mesh, uint32_t face) {
  const std::array<Point, 3> p = points_of(mesh, mesh.triangles[face]);
  return cross(to_double(p[1]) - to_double(p[0]), to_double(p[2]) - to_double(p[0]));
}

double area_of(const TriangleMesh& mesh, uint32_t face) {
  const V normal = normal_of(mesh, face);
  return std::sqrt(dot(normal, normal)) / 2;
}

V centre_of(const TriangleMesh& mesh, uint32_t face) {
  const std::array<Point, 3> p = points_of(mesh, mesh.triangles[face]);
  return (1.0 / 3) * (to_double(p[0]) + to_double(p[1]) + to_double(p[2]));
}

/// Orthogonal projection along the mean normal.
void project(const TriangleMesh& mesh, Chart& chart) {
  V sum;
  for (const uint32_t f : chart.faces) sum = sum + normal_of(mesh, f);
  const V normal = unit(sum);
  const V right = unit(std::abs(normal.z) < 0.9 ? cross(V{0, 0, 1}, normal) : cross(V{1, 0, 0}, normal));
  const V up = cross(normal, right);
  const V origin = to_double(mesh.positions[chart.source[0]]);
  chart.uv.clear();
  for (const uint32_t v : chart.source) {
    const V p = to_double(mesh.positions[v]) - origin;
    chart.uv.push_back({dot(right, p), dot(up, p)});
  }
}

/// The triangle of the chart that differs most from `other` in its normal and its place.
size_t most_different(const std::vector<V>& normals, const std::vector<V>& centres, size_t other, double area) {
  size_t best = other;
  double largest = -1;
  for (size_t i = 0; i < normals.size(); ++i) {
    if (i == other) continue;
    const V turn = normals[i] - normals[other], way = centres[i] - centres[other];
    const double difference = dot(turn, turn) + (area > 0 ? dot(way, way) / area : 0);
    if (difference > largest) {
      largest = difference;
      best = i;
    }
  }
  return best;
}

/// Two parts of a chart of at least two triangles, grown ring by ring from two triangles that differ most.
std::vector<Chart> split(const TriangleMesh& mesh, const Neighbours& neighbours, const Chart& chart) {
  const size_t count = chart.faces.size();
  std::vector<V> normals, centres;
  std::unordered_map<uint32_t, uint32_t> place;  // triangle of the mesh to its place in the chart
  double area = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const V normal = normal_of(mesh, chart.faces[i]);
    area += std::sqrt(dot(normal, normal)) / 2;
    normals.push_back(unit(normal));
    centres.push_back(centre_of(mesh, chart.faces[i]));
    place[chart.faces[i]] = i;
  }
  const size_t a = most_different(normals, centres, 0, area), b = most_different(normals, centres, a, area);
  std::vector<int8_t> side(count, -1);
  side[a] = 0;
  side[b] = 1;
  std::vector<uint32_t> queue{static_cast<uint32_t>(a), static_cast<uint32_t>(b)};
  for (size_t i = 0; i < queue.size(); ++i) {
    for (const int32_t next : neighbours[chart.faces[queue[i]]]) {
      const auto at = next < 0 ? place.end() : place.find(static_cast<uint32_t>(next));
      if (at == place.end() || side[at->second] >= 0) continue;
      side[at->second] = side[queue[i]];
      queue.push_back(at->second);
    }
  }
  std::vector<Chart> parts;
  for (int8_t s = 0; s < 2; ++s) {
    std::vector<uint32_t> faces;
    for (size_t i = 0; i < count; ++i) {
      if (side[i] == s) faces.push_back(chart.faces[i]);
    }
    for (Chart& part : connected_charts(mesh, neighbours, faces)) parts.push_back(std::move(part));
  }
  return parts;
}

std::vector<Chart> flatten_region(const TriangleMesh& mesh, const Neighbours& neighbours,
                                  const std::vector<uint32_t>& region, double mesh_area) {
  std::vector<Chart> done, open = connected_charts(mesh, neighbours, region);
  while (!open.empty()) {
    Chart chart = std::move(open.back());
    open.pop_back();
    project(mesh, chart);
    const bool single = chart.faces.size() == 1;  // its projection keeps all lengths
    if (single || (relax(mesh, chart, kSweeps) && acceptable(mesh, chart, {kStretch, mesh_area}))) {
      done.push_back(std::move(chart));
    } else {
      for (Chart& part : split(mesh, neighbours, chart)) open.push_back(std::move(part));
    }
  }
  return done;
}

/// The segments of a border in a grid of square cells, for finding those that are near each other.
class SegmentGrid {
 public:
  using Edge = std::array<uint32_t, 2>;

  SegmentGrid(const std::vector<Uv>& uv, const std::vector<Edge>& edges) : uv_(uv), edges_(edges) {
    double length = 0;
    low_ = high_ = uv[edges[0][0]];
    for (const auto& [a, b] : edges) {
      length += std::max(std::abs(uv[b].x - uv[a].x), std::abs(uv[b].y - uv[a].y));
      low_ = {std::min(low_.x, uv[a].x), std::min(low_.y, uv[a].y)};
      high_ = {std::max(high_.x, uv[a].x), std::max(high_.y, uv[a].y)};
    }
    const double n = static_cast<double>(edges.size());
    const Uv size = high_ - low_;
    cell_ = std::max({length / n, std::sqrt(size.x * size.y / (4 * n)), (size.x + size.y) / (4 * n)});
    width_ = column(high_.x) + 1;
    cells_.resize(static_cast<size_t>(width_) * (row(high_.y) + 1));
  }

  bool any_crossing() {
    for (uint32_t e = 0; e < edges_.size(); ++e) {
      const Uv &a = uv_[edges_[e][0]], &b = uv_[edges_[e][1]];
      for (int y = row(std::min(a.y, b.y)); y <= row(std::max(a.y, b.y)); ++y) {
        for (int x = column(std::min(a.x, b.x)); x <= column(std::max(a.x, b.x)); ++x) {
          std::vector<uint32_t>& cell = cells_[static_cast<size_t>(y) * width_ + x];
          for (const uint32_t other : cell) {
            if (crossing(edges_[e], edges_[other])) return true;
          }
          cell.push_back(e);
        }
      }
    }
    return false;
  }

 private:
  int column(double x) const { return cell_ > 0 ? static_cast<int>((x - low_.x) / cell_) : 0; }
  int row(double y) const { return cell_ > 0 ? static_cast<int>((y - low_.y) / cell_) : 0; }

  /// True if the segments meet in a point that is not an end of both.
  bool crossing(const Edge& e, const Edge& f) const {
    if (e[0] == f[0] || e[0] == f[1] || e[1] == f[0] || e[1] == f[1]) return false;
    const Uv &a = uv_[e[0]], &b = uv_[e[1]], &c = uv_[f[0]], &d = uv_[f[1]];
    const double ends_of_f = side(a, b, c) * side(a, b, d), ends_of_e = side(c, d, a) * side(c, d, b);
    return (ends_of_f < 0 && ends_of_e <= 0) || (ends_of_f <= 0 && ends_of_e < 0);
  }
  /// 1, 0 or -1: c is left of, on, or right of the line from a to b.
  static double side(const Uv& a, const Uv& b, const Uv& c) {
    const double area = cross(b - a, c - a);
    return area > 0 ? 1 : area < 0 ? -1 : 0;
  }

  const std::vector<Uv>& uv_;
  const std::vector<Edge>& edges_;
  Uv low_, high_;
  double cell_ = 0;
  int width_ = 1;
  std::vector<std::vector<uint32_t>> cells_;
};

bool low_stretch(const TriangleMesh& mesh, const Chart& chart, const StretchLimits& limits) {
  double all = 0, large = 0, sum = 0;
  for (size_t i = 0; i < chart.faces.size(); ++i) {
    const Triangle& t = chart.corners[i];
    const double area = area_of(mesh, chart.faces[i]);
    const auto [to_space, to_plane] =
        stretch_of(points_of(mesh, mesh.triangles[chart.faces[i]]), {chart.uv[t[0]], chart.uv[t[1]], chart.uv[t[2]]});
    const double stretch = std::max(to_space, to_plane);
    all += area;
    sum += area * std::min(stretch, 1e3);
    if (stretch > limits.large) large += area;
  }
  return sum <= limits.mean * all && large <= limits.large_share * all;
}

/// Sides of the box of some points.
Uv size_of(const std::vector<Uv>& points) {
  Uv low = points[0], high = points[0];
  for (const Uv& p : points) {
    low = {std::min(low.x, p.x), std::min(low.y, p.y)};
    high = {std::max(high.x, p.x), std::max(high.y, p.y)};
  }
  return high - low;
}

/// True if the angles of the triangles at no vertex make more than a full turn.
bool at_most_one_turn(const Chart& chart) {
  std::vector<double> turns(chart.source.size());
  for (const Triangle& t : chart.corners) {
    for (int c = 0; c < 3; ++c) {
      const Uv a = chart.uv[t[(c + 1) % 3]] - chart.uv[t[c]], b = chart.uv[t[(c + 2) % 3]] - chart.uv[t[c]];
      turns[t[c]] += std::atan2(std::abs(cross(a, b)), dot(a, b));
    }
  }
  return *std::max_element(turns.begin(), turns.end()) < 2 * std::numbers::pi + 1e-3;
}

/// The directed edges of a chart in the order of (smaller vertex, larger vertex, direction).
std::vector<std::array<uint32_t, 3>> sorted_edges(const Chart& chart) {
  std::vector<std::array<uint32_t, 3>> edges;
  for (const Triangle& t : chart.corners) {
    for (int c = 0; c < 3; ++c) {
      const uint32_t a = t[c], b = t[(c + 1) % 3];
      if (a != b) edges.push_back({std::min(a, b), std::max(a, b), a < b ? 0U : 1U});
    }
  }
  std::sort(edges.begin(), edges.end());
  return edges;
}

}  // namespace

std::vector<std::array<uint32_t, 2>> border_of(const Chart& chart) {
  const auto edges = sorted_edges(chart);
  std::vector<std::array<uint32_t, 2>> border;
  for (size_t i = 0; i < edges.size(); ++i) {
    const auto& [a, b, backward] = edges[i];
    const bool as_before = i > 0 && edges[i - 1][0] == a && edges[i - 1][1] == b;
    const bool as_next = i + 1 < edges.size() && edges[i + 1][0] == a && edges[i + 1][1] == b;
    if (!as_before && !as_next) border.push_back(backward ? std::array{b, a} : std::array{a, b});
  }
  return border;
}

bool injective(const Chart& chart) {
  const auto edges = sorted_edges(chart);
  for (size_t i = 1; i < edges.size(); ++i) {
    if (edges[i] == edges[i - 1]) return false;  // two triangles on one side of an edge
  }
  const auto border = border_of(chart);
  return at_most_one_turn(chart) && (border.empty() || !SegmentGrid(chart.uv, border).any_crossing());
}

bool acceptable(const TriangleMesh& mesh, const Chart& chart, const ChartLimits& limits) {
  double area = 0;
  for (const uint32_t f : chart.faces) area += area_of(mesh, f);
  const Uv size = size_of(chart.uv);
  const double longest = std::max(kLongest * std::sqrt(limits.mesh_area), kLongestOfCompact * std::sqrt(area));
  return std::max(size.x, size.y) <= longest && low_stretch(mesh, chart, limits.stretch) && injective(chart);
}

std::vector<Chart> flatten(const TriangleMesh& mesh, const Neighbours& neighbours,
                           const std::vector<std::vector<uint32_t>>& regions) {
  double area = 0;
  for (uint32_t f = 0; f < mesh.triangles.size(); ++f) area += area_of(mesh, f);
  std::vector<std::vector<Chart>> parts(regions.size());
  parallel_for(static_cast<int64_t>(regions.size()), 1,
               [&](int64_t r) { parts[r] = flatten_region(mesh, neighbours, regions[r], area); });
  std::vector<Chart> charts;
  for (std::vector<Chart>& part : parts) {
    for (Chart& chart : part) charts.push_back(std::move(chart));
  }
  return charts;
}

}  // namespace lucid::mesh
