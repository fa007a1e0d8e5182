// SPDX-License-Identifier: Apache-2.0
// The vertex properties of a 3D Gaussian Splatting PLY, by name and in the order of the original code. The writer and
// the reader use this one list.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <vector>

namespace lucid::asset::ply {

/// Normals are written as zeros, because viewers expect them. A file without them is read as well.
inline bool is_normal(const std::string& property) { return property == "nx" || property == "ny" || property == "nz"; }

/// All property names in order, with `rest_count` f_rest_* (3 for each SH coefficient of degree 1 and more).
inline std::vector<std::string> vertex_properties(int64_t rest_count) {
  std::vector<std::string> names = {"x", "y", "z", "nx", "ny", "nz"};
  const auto numbered = [&](const char* name, int64_t count) {
    for (int64_t i = 0; i < count; ++i) names.push_back(fmt::format("{}_{}", name, i));
  };
  numbered("f_dc", 3);
  numbered("f_rest", rest_count);
  names.push_back("opacity");
  numbered("scale", 3);
  numbered("rot", 4);
  return names;
}

}  // namespace lucid::asset::ply
