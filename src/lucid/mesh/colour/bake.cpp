// SPDX-License-Identifier: Apache-2.0
// Baking: equations from the pictures, their solution, and closed seams.
#include "lucid/mesh/colour/bake.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "lucid/base/error.h"
#include "lucid/mesh/colour/chart_map.h"
#include "lucid/mesh/colour/conjugate_gradients.h"
#include "lucid/mesh/colour/samples.h"
#include "lucid/mesh/colour/seams.h"
#include "lucid/mesh/colour/texture_equations.h"
#include "lucid/mesh/colour/vertex_equations.h"
#include "lucid/mesh/weld.h"

namespace lucid::mesh {
namespace {

using Channel = std::vector<float>;  // one colour of all texels or vertices, 0 to 1

// Weights of the equations that are not samples, as shares of the mean weight of all samples at a texel or vertex.
constexpr float kTexelSmoothness = 0.03f, kVertexSmoothness = 0.01f;
constexpr float kSeamWeight = 1;
constexpr float kPrior = 0.05f;         // of the surface's smooth colours in the projection that the solver starts from
constexpr int kVertexIterations = 150;  // enough to spread colours over the largest hidden parts

/// The mean of the positive values, 1 if there are none.
float mean_of_positive(const std::vector<float>& values) {
  double sum = 0;
  int64_t count = 0;
  for (const float v : values) {
    if (v > 0) {
      sum += double(v);
      ++count;
    }
  }
  return count > 0 ? float(sum / double(count)) : 1;
}

double sum_of(const std::vector<float>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

uint8_t to_byte(float value) { return uint8_t(std::lround(255 * std::clamp(value, 0.0f, 1.0f))); }

void clamp_to_unit(Channel* values) {
  for (float& v : *values) v = std::clamp(v, 0.0f, 1.0f);
}

/// The surface without the cuts of its texture coordinates.
struct WeldedMesh {
  explicit WeldedMesh(const TriangleMesh& mesh) : triangles(mesh.triangles) {
    Welding welding = weld(mesh.positions);
    vertex = std::move(welding.position_of);
    count = welding.vertex_of.size();
    for (Triangle& t : triangles) {
      for (uint32_t& v : t) v = vertex[v];
    }
  }
  std::vector<uint32_t> vertex;  // [V] welded vertex of each vertex
  std::vector<Triangle> triangles;
  size_t count = 0;
};

/// The fitted colours of the welded vertices. The smoothness spreads colours over the surface to what no picture shows.
std::array<Channel, 3> solve(VertexEquations equations) {
  const float seen = mean_of_positive(equations.diagonal());
  const double weight = std::max(sum_of(equations.visibility()), 1e-9);
  equations.add_smoothness(kVertexSmoothness * seen);
  const std::vector<float> diagonal = equations.diagonal();
  std::array<Channel, 3> colours;
  for (size_t c = 0; c < 3; ++c) {
    const std::vector<float> b = equations.right_hand_side(c);
    Channel& x = colours[c];
    x.assign(b.size(), float(sum_of(b) / weight));  // the mean colour
    conjugate_gradients([&](const Channel& v, Channel* product) { equations.multiply(v, product); }, diagonal, b,
                        kVertexIterations, &x);
    clamp_to_unit(&x);
  }
  return colours;
}

/// One colour of the welded vertices, interpolated to the texels; outside the charts the nearest texel's.
Channel spread(const Channel& vertices, const WeldedMesh& welded, const ChartMap& charts) {
  Channel texels(charts.chart.size(), 0.5f);
  for (size_t i = 0; i < texels.size(); ++i) {
    if (charts.triangle[i] < 0) continue;
    const Triangle& t = welded.triangles[size_t(charts.triangle[i])];
    const float second = charts.barycentric[i].x, third = charts.barycentric[i].y;
    texels[i] = (1 - second - third) * vertices[t[0]] + second * vertices[t[1]] + third * vertices[t[2]];
  }
  for (const ChartMap::Step& step : charts.outward) texels[size_t(step.texel)] = texels[size_t(step.from)];
  return texels;
}

void check(const TriangleMesh& mesh, bool textured) {
  LUCID_CHECK(mesh.normals.size() == mesh.positions.size(), "{} normals of {} vertices", mesh.normals.size(),
              mesh.positions.size());
  LUCID_CHECK(!textured || mesh.uvs.size() == mesh.positions.size(), "{} uvs of {} vertices", mesh.uvs.size(),
              mesh.positions.size());
}

}  // namespace

Texture bake_texture(const TriangleMesh& mesh, const std::vector<CloudPicture>& pictures, const BakeOptions& options) {
  check(mesh, true);
  const int size = options.texture_size;
  LUCID_CHECK(size > 0, "texture of {} pixels a side", size);
  const WeldedMesh welded(mesh);
  VertexEquations of_vertices(welded.triangles, welded.count);
  TextureEquations equations(size);
  for_batches_of_samples(mesh, pictures, [&](const std::vector<std::vector<ColourSample>>& samples) {
    of_vertices.add(samples);
    equations.add(samples);
  });
  const std::array<Channel, 3> of_surface = solve(std::move(of_vertices));

  const std::vector<float> visibility = equations.visibility();
  const float seen = mean_of_positive(visibility);
  const ChartMap charts = map_charts(mesh, size);
  const std::vector<SeamRow> seams = seam_rows(mesh, size);
  equations.add_smoothness(charts, kTexelSmoothness * seen);
  equations.add_seams(seams, kSeamWeight * seen);
  const std::vector<float> diagonal = equations.diagonal();

  Texture texture{size, size, std::vector<Colour>(visibility.size())};
  for (size_t c = 0; c < 3; ++c) {
    const std::vector<float> b = equations.right_hand_side(c);
    Channel x = spread(of_surface[c], welded, charts);
    const float prior = kPrior * seen;
    for (size_t i = 0; i < x.size(); ++i) x[i] = (b[i] + prior * x[i]) / (visibility[i] + prior);  // projection
    conjugate_gradients([&](const Channel& v, Channel* product) { equations.multiply(v, product); }, diagonal, b,
                        options.sweeps, &x);
    clamp_to_unit(&x);
    close_seams(seams, &x);
    for (size_t i = 0; i < x.size(); ++i) texture.pixels[i][c] = to_byte(x[i]);
  }
  return texture;
}

std::vector<Colour> bake_vertex_colours(const TriangleMesh& mesh, const std::vector<CloudPicture>& pictures) {
  check(mesh, false);
  const WeldedMesh welded(mesh);
  VertexEquations equations(welded.triangles, welded.count);
  for_batches_of_samples(mesh, pictures,
                         [&](const std::vector<std::vector<ColourSample>>& samples) { equations.add(samples); });
  const std::array<Channel, 3> colours = solve(std::move(equations));
  std::vector<Colour> bytes(mesh.positions.size());
  for (size_t v = 0; v < bytes.size(); ++v) {
    for (size_t c = 0; c < 3; ++c) bytes[v][c] = to_byte(colours[c][welded.vertex[v]]);
  }
  return bytes;
}

}  // namespace lucid::mesh
