// SPDX-License-Identifier: Apache-2.0
// The normal equations of vertex colours: a 3 x 3 block for each triangle.
#include "lucid/mesh/colour/vertex_equations.h"

#include "lucid/base/parallel.h"

namespace lucid::mesh {
namespace {

constexpr int64_t kGrain = 2048;
constexpr int kParts = 8;  // of the triangles, that threads sum up independently of each other

}  // namespace

VertexEquations::VertexEquations(std::vector<Triangle> triangles, size_t count)
    : triangles_(std::move(triangles)), blocks_(triangles_.size()), begin_(count + 1, 0) {
  for (const Triangle& t : triangles_) {
    for (const uint32_t v : t) ++begin_[v + 1];
  }
  for (size_t v = 0; v < count; ++v) begin_[v + 1] += begin_[v];
  corners_.resize(3 * triangles_.size());
  std::vector<int64_t> next = begin_;
  for (size_t t = 0; t < triangles_.size(); ++t) {
    for (size_t k = 0; k < 3; ++k) corners_[size_t(next[triangles_[t][k]]++)] = uint32_t(3 * t + k);
  }
}

void VertexEquations::add(const std::vector<std::vector<ColourSample>>& samples) {
  parallel_for(kParts, 1, [&](int64_t part) {
    const size_t first = blocks_.size() * size_t(part) / kParts, end = blocks_.size() * size_t(part + 1) / kParts;
    for (const std::vector<ColourSample>& picture : samples) {
      for (const ColourSample& sample : picture) {
        if (sample.triangle < first || sample.triangle >= end) continue;
        Block& block = blocks_[sample.triangle];
        const float second = sample.barycentric.x, third = sample.barycentric.y;
        const float w[3] = {1 - second - third, second, third};
        const float colour[3] = {sample.colour.x, sample.colour.y, sample.colour.z};
        for (size_t k = 0; k < 3; ++k) {
          block.self[k] += sample.weight * w[k] * w[k];
          block.opposite[k] += sample.weight * w[(k + 1) % 3] * w[(k + 2) % 3];
          for (size_t c = 0; c < 3; ++c) block.target[c][k] += sample.weight * w[k] * colour[c];
        }
      }
    }
  });
}

void VertexEquations::add_smoothness(float weight) {
  for (Block& block : blocks_) {
    for (size_t k = 0; k < 3; ++k) {
      block.self[k] += 2 * weight;
      block.opposite[k] -= weight;
    }
  }
}

/// Sums value(triangle, corner) over the corners of each vertex.
template <class Value>
std::vector<float> VertexEquations::gather(const Value& value) const {
  std::vector<float> sums(begin_.size() - 1);
  parallel_for(int64_t(sums.size()), kGrain, [&](int64_t v) {
    float sum = 0;
    for (int64_t i = begin_[size_t(v)]; i < begin_[size_t(v) + 1]; ++i) {
      sum += value(corners_[size_t(i)] / 3, corners_[size_t(i)] % 3);
    }
    sums[size_t(v)] = sum;
  });
  return sums;
}

void VertexEquations::multiply(const std::vector<float>& x, std::vector<float>* product) const {
  *product = gather([&](size_t t, size_t k) {
    const Block& block = blocks_[t];
    const size_t next = (k + 1) % 3, last = (k + 2) % 3;
    return block.self[k] * x[triangles_[t][k]] + block.opposite[last] * x[triangles_[t][next]] +
           block.opposite[next] * x[triangles_[t][last]];
  });
}

std::vector<float> VertexEquations::diagonal() const {
  return gather([&](size_t t, size_t k) { return blocks_[t].self[k]; });
}

std::vector<float> VertexEquations::visibility() const {
  std::vector<float> sums;
  multiply(std::vector<float>(begin_.size() - 1, 1.0f), &sums);
  return sums;
}

std::vector<float> VertexEquations::right_hand_side(size_t colour) const {
  return gather([&](size_t t, size_t k) { return blocks_[t].target[colour][k]; });
}

}  // namespace lucid::mesh
