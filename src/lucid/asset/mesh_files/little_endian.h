// SPDX-License-Identifier: Apache-2.0
// Numbers as bytes of a binary file, and back.
#pragma once

#include <bit>
#include <cstring>
#include <string>
#include <string_view>

#include "lucid/mesh/triangle_mesh.h"

namespace lucid::asset::mesh_files {

static_assert(std::endian::native == std::endian::little, "numbers are stored as they are in memory");

template <class Number>
void append_bytes(std::string& bytes, Number number) {
  bytes.append(reinterpret_cast<const char*>(&number), sizeof(number));
}
inline void append_point(std::string& bytes, const mesh::Point& p) {
  for (const float x : {p.x, p.y, p.z}) append_bytes(bytes, x);
}

/// The caller has checked that sizeof(Number) bytes are there.
template <class Number>
Number number_at(std::string_view bytes, size_t at) {
  Number number;
  std::memcpy(&number, bytes.data() + at, sizeof(number));
  return number;
}
inline mesh::Point point_at(std::string_view bytes, size_t at) {
  return {number_at<float>(bytes, at), number_at<float>(bytes, at + 4), number_at<float>(bytes, at + 8)};
}

}  // namespace lucid::asset::mesh_files
