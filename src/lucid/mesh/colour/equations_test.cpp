// SPDX-License-Identifier: Apache-2.0
// Tests of the normal equations against dense matrices that are summed up sample by sample, and of their solution.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "lucid/base/rng.h"
#include "lucid/mesh/colour/conjugate_gradients.h"
#include "lucid/mesh/colour/texture_equations.h"
#include "lucid/mesh/colour/vertex_equations.h"

namespace lucid::mesh {
namespace {

using Row = std::vector<double>;  // coefficients of one equation

/// Sums of weight * row^T row and weight * row^T target.
struct DenseSystem {
  explicit DenseSystem(size_t n) : n(n), matrix(n * n), target(n) {}
  void add(const Row& row, double weight, double value) {
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j < n; ++j) matrix[i * n + j] += weight * row[i] * row[j];
      target[i] += weight * row[i] * value;
    }
  }
  std::vector<double> times(const std::vector<float>& x) const {
    std::vector<double> product(n);
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j < n; ++j) product[i] += matrix[i * n + j] * double(x[j]);
    }
    return product;
  }
  size_t n;
  std::vector<double> matrix, target;
};

void expect_near(const std::vector<float>& got, const std::vector<double>& expected, double tolerance) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], expected[i], tolerance) << i;
}

std::vector<float> random_values(size_t count, uint64_t seed) {
  Rng rng(seed, "values");
  std::vector<float> values(count);
  for (float& v : values) v = float(rng.uniform(-1, 1));
  return values;
}

/// Coefficients of a texture's texels in the colour at uv in one mip level, by the definition: tent weights of texels
/// that are means of 2 x 2 finer ones.
Row texel_row(Vec2<float> uv, int size, int level) {
  int side = size;
  for (int l = 0; l < level; ++l) side /= 2;
  const double x = std::clamp(double(uv.x) * side - 0.5, 0.0, side - 1.0);
  const double y = std::clamp(double(uv.y) * side - 0.5, 0.0, side - 1.0);
  Row row(size_t(size * size));
  for (int v = 0; v < size; ++v) {
    for (int u = 0; u < size; ++u) {
      const double dx = std::abs(x - (u >> level)), dy = std::abs(y - (v >> level));
      if ((u >> level) < side && (v >> level) < side && dx < 1 && dy < 1) {
        row[size_t(v * size + u)] = (1 - dx) * (1 - dy) * std::pow(0.25, level);
      }
    }
  }
  return row;
}

std::vector<std::vector<ColourSample>> random_texture_samples(int views, int each) {
  Rng rng(3, "samples");
  std::vector<std::vector<ColourSample>> samples;
  for (int view = 0; view < views; ++view) {
    samples.emplace_back();
    for (int k = 0; k < each; ++k) {
      ColourSample s;
      s.uv = {float(rng.uniform(0, 1)), float(rng.uniform(0, 1))};
      s.level = float(rng.uniform(-5, 0.5));
      s.weight = float(rng.uniform(0, 1));
      s.colour = {float(rng.uniform(0, 1)), float(rng.uniform(0, 1)), float(rng.uniform(0, 1))};
      samples.back().push_back(s);
    }
  }
  return samples;
}

/// Adds the samples to a dense system of one colour. Trilinear reading: two levels share a sample.
void add_to(DenseSystem* dense, const std::vector<std::vector<ColourSample>>& samples, int size, int coarsest,
            float Vec3<float>::*colour) {
  for (const auto& view : samples) {
    for (const ColourSample& s : view) {
      const double level = std::clamp(double(s.level) + std::log2(double(size)), 0.0, double(coarsest));
      const int fine = int(level);
      const double share = level - fine;
      dense->add(texel_row(s.uv, size, fine), double(s.weight) * (1 - share), double(s.colour.*colour));
      if (share > 0) dense->add(texel_row(s.uv, size, fine + 1), double(s.weight) * share, double(s.colour.*colour));
    }
  }
}

TEST(TextureEquations, AreTheSumsOverSamples) {
  for (const auto& [size, coarsest] : {std::pair{8, 3}, {11, 3}, {1, 0}}) {
    const auto samples = random_texture_samples(3, 120);
    const size_t texels = size_t(size * size);
    DenseSystem dense(texels);
    add_to(&dense, samples, size, coarsest, &Vec3<float>::y);
    TextureEquations equations(size);
    equations.add(samples);
    const std::vector<float> x = random_values(texels, 1);
    std::vector<float> product;
    equations.multiply(x, &product);
    expect_near(product, dense.times(x), 2e-4);
    expect_near(equations.right_hand_side(1), dense.target, 2e-4);
    expect_near(equations.visibility(), dense.times(std::vector<float>(texels, 1)), 2e-4);
    std::vector<double> diagonal(texels);
    for (size_t i = 0; i < texels; ++i) diagonal[i] = dense.matrix[i * texels + i];
    expect_near(equations.diagonal(), diagonal, 2e-4);
  }
}

TEST(TextureEquations, SmoothnessLinksNeighboursOfOneChartAndSeamsTheirTexels) {
  constexpr int kSize = 6;
  ChartMap charts;
  charts.size = kSize;
  for (int i = 0; i < kSize * kSize; ++i) charts.chart.push_back(i % kSize < 2 ? 0 : 1 + i / kSize / 4);
  DenseSystem dense(kSize * kSize);
  for (int i = 0; i < kSize * kSize; ++i) {
    for (int j = 0; j < i; ++j) {
      const int dx = std::abs(i % kSize - j % kSize), dy = std::abs(i / kSize - j / kSize);
      if (dx + dy != 1 || charts.chart[size_t(i)] != charts.chart[size_t(j)]) continue;
      Row row(kSize * kSize);
      row[size_t(i)] = 1;
      row[size_t(j)] = -1;
      dense.add(row, 0.7, 0);
    }
  }
  const SeamRow seam{{0, 1, 6, 7, 28, 29, 34, 35}, {0.1f, 0.2f, 0.3f, 0.4f, -0.25f, -0.25f, -0.2f, -0.3f}};
  Row row(kSize * kSize);
  for (size_t k = 0; k < 8; ++k) row[size_t(seam.texel[k])] = double(seam.weight[k]);
  dense.add(row, 3, 0);

  TextureEquations equations(kSize);
  equations.add_smoothness(charts, 0.7f);
  equations.add_seams({seam}, 3);
  const std::vector<float> x = random_values(kSize * kSize, 2);
  std::vector<float> product;
  equations.multiply(x, &product);
  expect_near(product, dense.times(x), 1e-5);
  std::vector<double> diagonal;
  for (size_t i = 0; i < dense.n; ++i) diagonal.push_back(dense.matrix[i * dense.n + i]);
  expect_near(equations.diagonal(), diagonal, 1e-5);
}

TEST(VertexEquations, AreTheSumsOverSamples) {
  const std::vector<Triangle> triangles{{0, 1, 2}, {2, 1, 3}, {3, 4, 2}, {4, 0, 2}};
  constexpr size_t kCount = 6;  // vertex 5 belongs to no triangle
  Rng rng(5, "samples");
  std::vector<std::vector<ColourSample>> samples(2);
  DenseSystem dense(kCount);
  for (int k = 0; k < 200; ++k) {
    ColourSample s;
    s.triangle = uint32_t(k % 4);
    const double second = rng.uniform(0, 1), third = rng.uniform(0, 1 - second);
    s.barycentric = {float(second), float(third)};
    s.weight = float(rng.uniform(0, 1));
    s.colour = {0, 0, float(rng.uniform(0, 1))};
    samples[size_t(k % 2)].push_back(s);
    Row row(kCount);
    row[triangles[s.triangle][0]] = 1 - second - third;
    row[triangles[s.triangle][1]] = second;
    row[triangles[s.triangle][2]] = third;
    dense.add(row, double(s.weight), double(s.colour.z));
  }
  VertexEquations equations(triangles, kCount);
  equations.add(samples);
  expect_near(equations.right_hand_side(2), dense.target, 1e-4);
  expect_near(equations.visibility(), dense.times(std::vector<float>(kCount, 1)), 1e-4);
  for (const Triangle& t : triangles) {
    for (size_t k = 0; k < 3; ++k) {
      Row row(kCount);
      row[t[k]] = 1;
      row[t[(k + 1) % 3]] = -1;
      dense.add(row, 2.5, 0);
    }
  }
  equations.add_smoothness(2.5f);
  const std::vector<float> x = random_values(kCount, 4);
  std::vector<float> product;
  equations.multiply(x, &product);
  expect_near(product, dense.times(x), 1e-4);
  EXPECT_NEAR(equations.diagonal()[2], dense.matrix[2 * kCount + 2], 1e-4);
  EXPECT_EQ(equations.diagonal()[5], 0);
}

TEST(ConjugateGradients, SolveASystemInAsManyStepsAsUnknowns) {
  constexpr size_t kCount = 20;
  DenseSystem dense(kCount);
  for (uint64_t k = 0; k < 40; ++k) {
    const std::vector<float> row = random_values(kCount - 1, 10 + k);
    Row wide(row.begin(), row.end());
    wide.push_back(0);  // nothing is said about the last unknown
    dense.add(wide, 1, 0);
  }
  const auto multiply = [&](const std::vector<float>& x, std::vector<float>* product) {
    const std::vector<double> exact = dense.times(x);
    product->assign(exact.begin(), exact.end());
  };
  std::vector<float> solution = random_values(kCount, 1), b, diagonal, x(kCount, 0.25f);
  multiply(solution, &b);
  for (size_t i = 0; i < kCount; ++i) diagonal.push_back(float(dense.matrix[i * kCount + i]));
  conjugate_gradients(multiply, diagonal, b, int(kCount), &x);
  for (size_t i = 0; i + 1 < kCount; ++i) EXPECT_NEAR(x[i], solution[i], 1e-4);
  EXPECT_EQ(x.back(), 0.25f);
}

}  // namespace
}  // namespace lucid::mesh
