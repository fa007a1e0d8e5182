// SPDX-License-Identifier: Apache-2.0
// What the readers of PLY meshes and PLY points share: properties by name, and the range of stored colours.
#pragma once

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string_view>

#include "lucid/asset/splats/ply_header.h"
#include "lucid/mesh/triangle_mesh.h"

namespace lucid::asset::mesh_files {

inline constexpr size_t kAbsentProperty = static_cast<size_t>(-1);

/// The number of the first property of these names, or kAbsentProperty.
inline size_t property_named(const ply::Element& element, std::initializer_list<std::string_view> names,
                             bool is_list = false) {
  for (size_t i = 0; i < element.properties.size(); ++i) {
    const ply::Property& p = element.properties[i];
    if (p.is_list == is_list && std::find(names.begin(), names.end(), p.name) != names.end()) return i;
  }
  return kAbsentProperty;
}

/// Three properties of an element, e.g. x y z.
struct PropertyTriple {
  std::array<size_t, 3> numbers;
  bool complete() const { return std::count(numbers.begin(), numbers.end(), kAbsentProperty) == 0; }
};
inline PropertyTriple position_properties(const ply::Element& vertex) {
  return {{property_named(vertex, {"x"}), property_named(vertex, {"y"}), property_named(vertex, {"z"})}};
}
inline PropertyTriple normal_properties(const ply::Element& vertex) {
  return {{property_named(vertex, {"nx"}), property_named(vertex, {"ny"}), property_named(vertex, {"nz"})}};
}
inline PropertyTriple colour_properties(const ply::Element& vertex) {
  return {{property_named(vertex, {"red", "r", "diffuse_red"}), property_named(vertex, {"green", "g", "diffuse_green"}),
           property_named(vertex, {"blue", "b", "diffuse_blue"})}};
}

/// Writes `value` to the component of `to` that the property is, if it is one.
inline void set_component(const PropertyTriple& of, size_t property, double value, mesh::Point& to) {
  if (property == of.numbers[0]) to.x = static_cast<float>(value);
  if (property == of.numbers[1]) to.y = static_cast<float>(value);
  if (property == of.numbers[2]) to.z = static_cast<float>(value);
}

/// A stored colour as a display value of 8 bits; NaN becomes 0.
inline uint8_t colour_byte(ply::Scalar type, double value) {
  const bool is_real = type == ply::Scalar::kFloat32 || type == ply::Scalar::kFloat64;
  const double scale = is_real ? 255 : type == ply::Scalar::kUint16 ? 255.0 / 65535 : 1;
  const double byte = value * scale + 0.5;
  return static_cast<uint8_t>(byte > 0 ? std::min(byte, 255.0) : 0);
}

}  // namespace lucid::asset::mesh_files
