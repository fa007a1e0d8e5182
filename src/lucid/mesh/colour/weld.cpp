// SPDX-License-Identifier: Apache-2.0
// Vertices at equal positions as one.
#include "lucid/mesh/colour/weld.h"

#include <meshoptimizer.h>

namespace lucid::mesh {

std::vector<uint32_t> weld(const std::vector<Point>& positions) {
  std::vector<uint32_t> welded(positions.size());
  if (positions.empty()) return welded;
  meshopt_generateVertexRemap(welded.data(), nullptr, positions.size(), positions.data(), positions.size(),
                              sizeof(Point));
  return welded;
}

}  // namespace lucid::mesh
