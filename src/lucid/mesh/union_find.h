// SPDX-License-Identifier: Apache-2.0
// Union-find: disjoint sets of the numbers 0 to n - 1.
#pragma once

#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

namespace lucid::mesh {

class UnionFind {
 public:
  explicit UnionFind(size_t count) : parent_(count) { std::iota(parent_.begin(), parent_.end(), 0u); }

  /// The smallest number of the set of `i`.
  uint32_t root(uint32_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  void unite(uint32_t a, uint32_t b) {
    a = root(a);
    b = root(b);
    if (a > b) std::swap(a, b);
    parent_[b] = a;
  }

 private:
  std::vector<uint32_t> parent_;
};

}  // namespace lucid::mesh
