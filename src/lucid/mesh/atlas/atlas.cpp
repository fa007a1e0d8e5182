// SPDX-License-Identifier: Apache-2.0
// The steps of an atlas in order: segment, flatten, merge, pack, write.
#include "lucid/mesh/atlas/atlas.h"

#include <algorithm>
#include <cmath>

#include "lucid/base/error.h"
#include "lucid/mesh/atlas/atlas_report.h"
#include "lucid/mesh/atlas/flatten.h"
#include "lucid/mesh/atlas/merge.h"
#include "lucid/mesh/atlas/pack.h"
#include "lucid/mesh/atlas/segment.h"

namespace lucid::mesh {
namespace {

void check(const TriangleMesh& mesh, const AtlasOptions& options) {
  LUCID_CHECK(options.texture_size > 0 && options.texture_size <= 1 << 14, "texture size {}", options.texture_size);
  LUCID_CHECK(options.gutter >= 0, "gutter {}", options.gutter);
  for (const Triangle& t : mesh.triangles) {
    for (const uint32_t v : t) LUCID_CHECK(v < mesh.positions.size(), "vertex {} of {}", v, mesh.positions.size());
  }
  for (const Point& p : mesh.positions) {
    LUCID_CHECK(std::isfinite(p.x) && std::isfinite(p.y) && std::isfinite(p.z), "position {} {} {}", p.x, p.y, p.z);
  }
}

template <class T>
std::vector<T> gathered(const std::vector<T>& values, const std::vector<uint32_t>& source) {
  std::vector<T> out;
  if (values.empty()) return out;
  out.reserve(source.size());
  for (const uint32_t v : source) out.push_back(values[v]);
  return out;
}

}  // namespace

TriangleMesh unwrap(const TriangleMesh& mesh, const AtlasOptions& options, AtlasReport* report,
                    std::vector<uint32_t>* source_vertex) {
  check(mesh, options);
  const Neighbours neighbours = neighbours_of(mesh.triangles);
  std::vector<Chart> charts = merge(mesh, neighbours, flatten(mesh, neighbours, segment(mesh, neighbours)));
  pack(charts, options);

  TriangleMesh out;
  std::vector<uint32_t> source;
  out.triangles.resize(mesh.triangles.size());
  for (const Chart& chart : charts) {
    const auto first = static_cast<uint32_t>(source.size());
    source.insert(source.end(), chart.source.begin(), chart.source.end());
    for (const Uv& uv : chart.uv) {
      out.uvs.push_back(
          {static_cast<float>(std::clamp(uv.x, 0.0, 1.0)), static_cast<float>(std::clamp(uv.y, 0.0, 1.0))});
    }
    for (size_t i = 0; i < chart.faces.size(); ++i) {
      for (int c = 0; c < 3; ++c) out.triangles[chart.faces[i]][c] = first + chart.corners[i][c];
    }
  }
  out.positions = gathered(mesh.positions, source);
  out.normals = gathered(mesh.normals, source);
  out.colours = gathered(mesh.colours, source);
  if (report) *report = measure_atlas(out, options.texture_size);
  if (source_vertex) *source_vertex = std::move(source);
  return out;
}

}  // namespace lucid::mesh
