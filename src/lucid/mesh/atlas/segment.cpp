// SPDX-License-Identifier: Apache-2.0
// Growing of regions from seeds by a priority queue, with Lloyd iterations.
#include "lucid/mesh/atlas/segment.h"

#include <algorithm>
#include <cmath>
#include <queue>

namespace lucid::mesh {
namespace {

constexpr int kSmoothing = 2;             // rounds of averaging of the normals: marching cubes leave noise in them
constexpr int kLloyd = 3;                 // re-seedings
constexpr double kSmallestCosine = 0.57;  // of 55 degrees
constexpr double kTiny = 1e-100;          // area that gives a triangle without area a normal
constexpr double kRaggedness = 0.15;      // cost of an edge towards other regions, per share of the perimeter

using V = Vec3<double>;

V unit(const V& v) {
  double length;
  return normalized(v, &length);
}

/// Unit normals of the triangles, averaged over neighbours that share a vertex, weighted by area.
std::vector<V> smooth_normals(const TriangleMesh& mesh, const std::vector<V>& weighted) {
  std::vector<V> faces = weighted;
  for (int round = 0; round < kSmoothing; ++round) {
    std::vector<V> vertices(mesh.positions.size());
    for (size_t f = 0; f < faces.size(); ++f) {
      for (const uint32_t v : mesh.triangles[f]) vertices[v] = vertices[v] + faces[f];
    }
    for (V& v : vertices) v = unit(v);
    for (size_t f = 0; f < faces.size(); ++f) {
      const Triangle& t = mesh.triangles[f];
      const double area = std::sqrt(dot(weighted[f], weighted[f]));
      faces[f] = area * unit(vertices[t[0]] + vertices[t[1]] + vertices[t[2]]);
    }
  }
  for (V& v : faces) v = unit(v);
  return faces;
}

class Segmentation {
 public:
  Segmentation(const TriangleMesh& mesh, const Neighbours& neighbours) : mesh_(mesh), neighbours_(neighbours) {
    const std::vector<V> weighted = face_normals(mesh);
    normals_ = smooth_normals(mesh, weighted);
    for (const V& v : weighted) areas_.push_back(std::sqrt(dot(v, v)));
    for (size_t f = 0; f < weighted.size(); ++f) {
      const Triangle& t = mesh.triangles[f];
      std::array<double, 3> lengths;
      for (int c = 0; c < 3; ++c) {
        const V edge = to_double(mesh.positions[t[(c + 1) % 3]]) - to_double(mesh.positions[t[c]]);
        lengths[c] = std::sqrt(dot(edge, edge));
      }
      lengths_.push_back(lengths);
    }
    region_.assign(weighted.size(), -1);
  }

  std::vector<std::vector<uint32_t>> run() {
    add_regions();
    for (int i = 0; i < kLloyd; ++i) {
      reseed();
      grow(/*refit=*/false);
      add_regions();
    }
    smooth_borders();
    std::vector<std::vector<uint32_t>> regions(means_.size());
    for (size_t f = 0; f < region_.size(); ++f) regions[region_[f]].push_back(static_cast<uint32_t>(f));
    std::erase_if(regions, [](const auto& r) { return r.empty(); });
    return regions;
  }

 private:
  struct Candidate {
    double cost;
    uint32_t face;
    int32_t region;
    bool operator<(const Candidate& o) const {  // the cheapest on top; ties by number, for a fixed order
      return cost != o.cost ? cost > o.cost : face != o.face ? face > o.face : region > o.region;
    }
  };

  double cosine(uint32_t face, int32_t region) const { return dot(normals_[face], unit(means_[region])); }

  /// Share of the triangle's perimeter that borders on the region.
  double attached(uint32_t face, int32_t region) const {
    double shared = 0, all = 0;
    for (int c = 0; c < 3; ++c) {
      const int32_t other = neighbours_[face][c];
      if (other >= 0 && region_[other] == region) shared += lengths_[face][c];
      all += lengths_[face][c];
    }
    return all > 0 ? shared / all : 1;
  }

  void push_neighbours(uint32_t face, int32_t region) {
    for (const int32_t next : neighbours_[face]) {
      if (next < 0 || region_[next] >= 0) continue;
      const auto f = static_cast<uint32_t>(next);
      const double c = cosine(f, region);
      if (c >= kSmallestCosine) queue_.push({1 - c + kRaggedness * (1 - attached(f, region)), f, region});
    }
  }

  void assign(uint32_t face, int32_t region, bool refit) {
    region_[face] = region;
    if (refit) means_[region] = means_[region] + areas_[face] * normals_[face];
    push_neighbours(face, region);
  }

  /// Empties the queue. With `refit` the means follow the regions.
  void grow(bool refit) {
    while (!queue_.empty()) {
      const Candidate best = queue_.top();
      queue_.pop();
      if (region_[best.face] >= 0) continue;
      if (refit && cosine(best.face, best.region) < kSmallestCosine) continue;
      assign(best.face, best.region, refit);
    }
  }

  /// New regions, one by one, until every triangle belongs to one.
  void add_regions() {
    for (uint32_t f = 0; f < region_.size(); ++f) {
      if (region_[f] >= 0) continue;
      means_.push_back(kTiny * normals_[f]);
      assign(f, static_cast<int32_t>(means_.size()) - 1, /*refit=*/true);
      grow(/*refit=*/true);
    }
  }

  /// Takes all triangles out of their regions, except the one of each region that is nearest to the mean normal and to
  /// the centre.
  void reseed() {
    const size_t count = means_.size();
    std::vector<V> centres(count);
    std::vector<double> areas(count);
    means_.assign(count, {});
    for (size_t f = 0; f < region_.size(); ++f) {
      const int32_t r = region_[f];
      const double area = areas_[f] + kTiny;
      means_[r] = means_[r] + area * normals_[f];
      centres[r] = centres[r] + area * centre(f);
      areas[r] += area;
    }
    std::vector<double> best(count, 1e300);
    std::vector<int32_t> seed(count, -1);
    for (size_t f = 0; f < region_.size(); ++f) {
      const int32_t r = region_[f];
      const V away = centre(f) - (1 / areas[r]) * centres[r];
      const double cost = 1 - cosine(static_cast<uint32_t>(f), r) + 0.5 * dot(away, away) / areas[r];
      if (seed[r] < 0 || cost < best[r]) {
        best[r] = cost;
        seed[r] = static_cast<int32_t>(f);
      }
    }
    std::fill(region_.begin(), region_.end(), -1);
    std::vector<V> means;
    std::vector<int32_t> seeds;
    for (size_t r = 0; r < count; ++r) {
      if (seed[r] < 0) continue;  // the region was empty
      means.push_back(means_[r]);
      seeds.push_back(seed[r]);
    }
    means_ = std::move(means);
    for (size_t r = 0; r < seeds.size(); ++r) region_[seeds[r]] = static_cast<int32_t>(r);
    for (size_t r = 0; r < seeds.size(); ++r) push_neighbours(static_cast<uint32_t>(seeds[r]), static_cast<int32_t>(r));
  }

  /// Moves triangles that touch another region along more than half of their perimeter to it.
  void smooth_borders() {
    for (int round = 0; round < 3; ++round) {
      for (uint32_t f = 0; f < region_.size(); ++f) {
        for (const int32_t next : neighbours_[f]) {
          if (next < 0 || region_[next] == region_[f]) continue;
          if (attached(f, region_[next]) > 0.5 && cosine(f, region_[next]) >= kSmallestCosine)
            region_[f] = region_[next];
        }
      }
    }
  }

  V centre(size_t f) const {
    const Triangle& t = mesh_.triangles[f];
    return (1.0 / 3) *
           (to_double(mesh_.positions[t[0]]) + to_double(mesh_.positions[t[1]]) + to_double(mesh_.positions[t[2]]));
  }

  const TriangleMesh& mesh_;
  const Neighbours& neighbours_;
  std::vector<V> normals_;                      // [F] smoothed, unit
  std::vector<double> areas_;                   // [F] doubled
  std::vector<std::array<double, 3>> lengths_;  // [F] of the edges
  std::vector<int32_t> region_;                 // [F] -1 = none yet
  std::vector<V> means_;                        // [regions] sum of the normals by area
  std::priority_queue<Candidate> queue_;
};

}  // namespace

std::vector<std::vector<uint32_t>> segment(const TriangleMesh& mesh, const Neighbours& neighbours) {
  return Segmentation(mesh, neighbours).run();
}

}  // namespace lucid::mesh
