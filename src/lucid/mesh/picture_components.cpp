// SPDX-License-Identifier: Apache-2.0
// Labels components in two passes: unite neighbours, then number the sets.
#include "lucid/mesh/picture_components.h"

#include <algorithm>

#include "lucid/mesh/union_find.h"

namespace lucid::mesh {

PictureComponents picture_components(const float* alpha, int width, int height, float threshold) {
  const auto columns = static_cast<size_t>(width), count = columns * static_cast<size_t>(height);
  UnionFind sets(count);
  const auto counts = [&](size_t i) { return alpha[i] > threshold; };
  for (size_t i = 0; i < count; ++i) {
    if (!counts(i)) continue;
    const size_t x = i % columns;
    const auto unite_with = [&](size_t neighbour) {
      if (counts(neighbour)) sets.unite(static_cast<uint32_t>(i), static_cast<uint32_t>(neighbour));
    };
    if (x > 0) unite_with(i - 1);
    if (i < columns) continue;  // the first row has none above
    unite_with(i - columns);
    if (x > 0) unite_with(i - columns - 1);
    if (x + 1 < columns) unite_with(i - columns + 1);
  }
  PictureComponents result{.label = std::vector<int32_t>(count, -1), .pixels = {}, .largest = -1};
  for (size_t i = 0; i < count; ++i) {
    if (!counts(i)) continue;
    const uint32_t root = sets.root(static_cast<uint32_t>(i));  // the smallest number of its set: labelled before i
    if (root == i) {
      result.label[i] = static_cast<int32_t>(result.pixels.size());
      result.pixels.push_back(0);
    }
    result.label[i] = result.label[root];
    ++result.pixels[static_cast<size_t>(result.label[i])];
  }
  if (!result.pixels.empty())
    result.largest = static_cast<int32_t>(std::ranges::max_element(result.pixels) - result.pixels.begin());
  return result;
}

}  // namespace lucid::mesh
