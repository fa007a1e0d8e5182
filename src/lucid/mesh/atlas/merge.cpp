// SPDX-License-Identifier: Apache-2.0
// Merging of charts in rounds: each chart chooses a partner, and pairs that chose each other are joined in parallel.
#include "lucid/mesh/atlas/merge.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <set>

#include "lucid/base/parallel.h"
#include "lucid/mesh/atlas/flatten.h"
#include "lucid/mesh/atlas/relax.h"

namespace lucid::mesh {
namespace {

constexpr int kRounds = 200;
constexpr int kSweeps = 12;               // of the relaxation after a merge
constexpr double kLargestArea = 0.05;     // of a merged chart, as a share of the whole mesh
constexpr double kShortestBorder = 0.15;  // common border of a pair, as a share of the smaller perimeter
constexpr double kLargestMisfit = 0.25;   // distance between the borders after the move, as a share of their length
constexpr StretchLimits kStretch{.mean = 1.08, .large = 1.8, .large_share = 0.02};

/// An edge between two charts, seen from one of them: vertices of both charts at its ends.
struct CommonEdge {
  std::array<uint32_t, 2> here, there;
  double length;
};

/// Two charts with a common border.
struct Pair {
  int32_t first, second;
  double score;  // length of the common border over the smaller perimeter
};

/// A rotation and a translation of the plane.
struct Motion {
  Uv turn{1, 0}, from, to;
  Uv operator()(const Uv& p) const {
    const Uv q = p - from;
    return to + Uv{turn.x * q.x - turn.y * q.y, turn.y * q.x + turn.x * q.y};
  }
};

/// The motion that brings points `a` nearest to points `b` in the least-squares sense.
Motion best_motion(const std::vector<Uv>& a, const std::vector<Uv>& b) {
  Motion motion;
  const double n = static_cast<double>(a.size());
  for (size_t i = 0; i < a.size(); ++i) {
    motion.from = motion.from + (1 / n) * a[i];
    motion.to = motion.to + (1 / n) * b[i];
  }
  Uv sum;
  for (size_t i = 0; i < a.size(); ++i) {
    sum.x += dot(a[i] - motion.from, b[i] - motion.to);
    sum.y += cross(a[i] - motion.from, b[i] - motion.to);
  }
  const double length = std::sqrt(dot(sum, sum));
  if (length > 0) motion.turn = (1 / length) * sum;
  return motion;
}

class Merging {
 public:
  Merging(const TriangleMesh& mesh, const Neighbours& neighbours, std::vector<Chart> charts)
      : mesh_(mesh), neighbours_(neighbours), charts_(std::move(charts)) {
    chart_of_.resize(mesh.triangles.size());
    place_of_.resize(mesh.triangles.size());
    for (size_t c = 0; c < charts_.size(); ++c) index(static_cast<int32_t>(c));
    for (const Chart& chart : charts_) {
      perimeters_.push_back(perimeter(chart));
      areas_.push_back(area(chart));
    }
    mesh_area_ = std::accumulate(areas_.begin(), areas_.end(), 0.0);
  }

  std::vector<Chart> run() {
    for (int round = 0; round < kRounds; ++round) {
      const std::vector<Pair> pairs = chosen_pairs();
      if (pairs.empty()) break;
      std::vector<std::optional<Chart>> joined(pairs.size());
      parallel_for(static_cast<int64_t>(pairs.size()), 1, [&](int64_t i) { joined[i] = join(pairs[i]); });
      for (size_t i = 0; i < pairs.size(); ++i) {
        if (joined[i]) {
          replace(pairs[i], std::move(*joined[i]));
        } else {
          refused_.insert({pairs[i].first, pairs[i].second});
        }
      }
    }
    std::erase_if(charts_, [](const Chart& chart) { return chart.faces.empty(); });
    return std::move(charts_);
  }

 private:
  void index(int32_t c) {
    for (size_t i = 0; i < charts_[c].faces.size(); ++i) {
      chart_of_[charts_[c].faces[i]] = c;
      place_of_[charts_[c].faces[i]] = static_cast<uint32_t>(i);
    }
  }

  double edge_length(uint32_t face, int corner) const {
    const Triangle& t = mesh_.triangles[face];
    const Vec3<double> edge = to_double(mesh_.positions[t[(corner + 1) % 3]]) - to_double(mesh_.positions[t[corner]]);
    return std::sqrt(dot(edge, edge));
  }

  double perimeter(const Chart& chart) const {
    double sum = 0;
    for (const auto& [a, b] : border_of(chart)) {
      const Uv edge = chart.uv[b] - chart.uv[a];
      sum += std::sqrt(dot(edge, edge));
    }
    return sum;
  }

  static double area(const Chart& chart) {
    double doubled = 0;
    for (const Triangle& t : chart.corners) {
      doubled += cross(chart.uv[t[1]] - chart.uv[t[0]], chart.uv[t[2]] - chart.uv[t[0]]);
    }
    return doubled / 2;
  }

  /// Pairs in which each chart is the best partner of the other. No chart occurs twice.
  std::vector<Pair> chosen_pairs() const {
    std::map<std::array<int32_t, 2>, double> common;  // length of the common border; first chart < second chart
    for (uint32_t f = 0; f < chart_of_.size(); ++f) {
      for (int c = 0; c < 3; ++c) {
        const int32_t next = neighbours_[f][c];
        if (next >= 0 && chart_of_[f] < chart_of_[next]) common[{chart_of_[f], chart_of_[next]}] += edge_length(f, c);
      }
    }
    std::vector<Pair> best(charts_.size(), Pair{-1, -1, 0});
    for (const auto& [charts, length] : common) {
      const auto& [a, b] = charts;
      const double score = length / std::min(perimeters_[a], perimeters_[b]);
      if (score < kShortestBorder || areas_[a] + areas_[b] > kLargestArea * mesh_area_ || refused_.contains(charts))
        continue;
      for (const int32_t c : charts) {
        if (score > best[c].score) best[c] = {a, b, score};
      }
    }
    std::vector<Pair> pairs;
    for (int32_t c = 0; c < static_cast<int32_t>(best.size()); ++c) {
      const Pair& p = best[c];
      if (p.first == c && best[p.second].first == c) pairs.push_back(p);
    }
    return pairs;
  }

  std::vector<CommonEdge> common_edges(const Pair& pair) const {
    std::vector<CommonEdge> edges;
    for (const uint32_t f : charts_[pair.first].faces) {
      for (int c = 0; c < 3; ++c) {
        const int32_t next = neighbours_[f][c];
        if (next < 0 || chart_of_[next] != pair.second) continue;
        const Triangle &here = charts_[pair.first].corners[place_of_[f]],
                       &there = charts_[pair.second].corners[place_of_[next]];
        const int other = opposite_corner(mesh_.triangles, neighbours_, f, c);
        edges.push_back({{here[c], here[(c + 1) % 3]}, {there[(other + 1) % 3], there[other]}, edge_length(f, c)});
      }
    }
    return edges;
  }

  /// The longest part of the common border that is one connected line in both charts.
  static std::vector<CommonEdge> longest_run(const std::vector<CommonEdge>& edges) {
    std::map<std::array<uint32_t, 2>, std::vector<size_t>> at_vertex;  // vertices of both charts to edges
    for (size_t i = 0; i < edges.size(); ++i) {
      for (int end = 0; end < 2; ++end) at_vertex[{edges[i].here[end], edges[i].there[end]}].push_back(i);
    }
    std::vector<bool> seen(edges.size());
    std::vector<CommonEdge> best;
    double longest = -1;
    for (size_t first = 0; first < edges.size(); ++first) {
      if (seen[first]) continue;
      std::vector<size_t> run{first};
      seen[first] = true;
      double length = 0;
      for (size_t i = 0; i < run.size(); ++i) {
        const CommonEdge& edge = edges[run[i]];
        length += edge.length;
        for (int end = 0; end < 2; ++end) {
          for (const size_t next : at_vertex[{edge.here[end], edge.there[end]}]) {
            if (!seen[next]) run.push_back(next);
            seen[next] = true;
          }
        }
      }
      if (length <= longest) continue;
      longest = length;
      best.clear();
      for (const size_t i : run) best.push_back(edges[i]);
    }
    return best;
  }

  std::optional<Chart> join(const Pair& pair) const {
    const Chart &a = charts_[pair.first], &b = charts_[pair.second];
    std::map<uint32_t, uint32_t> here_of;  // vertex of b to the vertex of a that it is joined with
    double length = 0;
    for (const CommonEdge& edge : longest_run(common_edges(pair))) {
      for (int end = 0; end < 2; ++end) here_of.try_emplace(edge.there[end], edge.here[end]);
      length += edge.length;
    }
    if (length < kShortestBorder * std::min(perimeters_[pair.first], perimeters_[pair.second])) return std::nullopt;
    std::vector<Uv> from, to;
    for (const auto& [there, here] : here_of) {
      from.push_back(b.uv[there]);
      to.push_back(a.uv[here]);
    }
    const Motion motion = best_motion(from, to);
    for (size_t i = 0; i < from.size(); ++i) {
      const Uv miss = motion(from[i]) - to[i];
      if (dot(miss, miss) > std::pow(kLargestMisfit * length, 2)) return std::nullopt;
    }
    Chart joined = a;
    std::vector<uint32_t> number(b.source.size());
    for (uint32_t v = 0; v < b.source.size(); ++v) {
      const auto shared = here_of.find(v);
      if (shared != here_of.end()) {
        number[v] = shared->second;
        joined.uv[shared->second] = 0.5 * (a.uv[shared->second] + motion(b.uv[v]));
      } else {
        number[v] = static_cast<uint32_t>(joined.source.size());
        joined.source.push_back(b.source[v]);
        joined.uv.push_back(motion(b.uv[v]));
      }
    }
    joined.faces.insert(joined.faces.end(), b.faces.begin(), b.faces.end());
    for (const Triangle& t : b.corners) joined.corners.push_back({number[t[0]], number[t[1]], number[t[2]]});
    if (!relax(mesh_, joined, kSweeps) || !acceptable(mesh_, joined, {kStretch, mesh_area_})) return std::nullopt;
    return joined;
  }

  void replace(const Pair& pair, Chart joined) {
    charts_[pair.first] = {};
    charts_[pair.second] = {};
    perimeters_.push_back(perimeter(joined));
    areas_.push_back(area(joined));
    charts_.push_back(std::move(joined));
    index(static_cast<int32_t>(charts_.size()) - 1);
  }

  const TriangleMesh& mesh_;
  const Neighbours& neighbours_;
  std::vector<Chart> charts_;                 // joined charts are appended, their parts emptied
  std::vector<double> perimeters_, areas_;    // [charts]
  std::vector<int32_t> chart_of_;             // [F]
  std::vector<uint32_t> place_of_;            // [F] place in its chart
  std::set<std::array<int32_t, 2>> refused_;  // pairs that were tried
  double mesh_area_ = 0;
};

}  // namespace

std::vector<Chart> merge(const TriangleMesh& mesh, const Neighbours& neighbours, std::vector<Chart> charts) {
  return Merging(mesh, neighbours, std::move(charts)).run();
}

}  // namespace lucid::mesh
