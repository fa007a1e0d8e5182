// SPDX-License-Identifier: Apache-2.0
// Reader of STL files, binary and text.
#include <charconv>
#include <optional>

#include "lucid/asset/mesh_files/little_endian.h"
#include "lucid/asset/mesh_files/mesh_parts.h"
#include "lucid/asset/mesh_files/mesh_readers.h"
#include "lucid/base/error.h"
#include "lucid/mesh/weld.h"

namespace lucid::asset::mesh_files {
namespace {

constexpr size_t kStlHeader = 84, kStlFacet = 50;  // bytes

/// Three corners a triangle, from a binary STL of that many facets.
std::vector<mesh::Point> binary_corners(std::string_view bytes, size_t facets) {
  std::vector<mesh::Point> corners;
  corners.reserve(3 * facets);
  for (size_t i = 0; i < facets; ++i) {
    for (size_t k = 1; k <= 3; ++k) corners.push_back(point_at(bytes, kStlHeader + i * kStlFacet + k * 12));
  }
  return corners;
}

std::string_view next_stl_word(std::string_view& text) {
  constexpr std::string_view kBlank = " \t\r\n\f\v";
  const size_t start = std::min(text.find_first_not_of(kBlank), text.size());
  const size_t end = std::min(text.find_first_of(kBlank, start), text.size());
  const std::string_view word = text.substr(start, end - start);
  text.remove_prefix(end);
  return word;
}

/// Three corners a triangle, from the words "vertex x y z" of a text STL; null if one lacks its numbers.
std::optional<std::vector<mesh::Point>> text_corners(std::string_view text) {
  std::vector<mesh::Point> corners;
  for (std::string_view word = next_stl_word(text); !word.empty(); word = next_stl_word(text)) {
    if (word != "vertex") continue;
    double values[3] = {};
    for (double& value : values) {
      std::string_view number = next_stl_word(text);
      if (number.starts_with('+')) number.remove_prefix(1);
      const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
      if (error != std::errc() || end != number.data() + number.size()) return std::nullopt;
    }
    const auto x = static_cast<float>(values[0]), y = static_cast<float>(values[1]), z = static_cast<float>(values[2]);
    corners.push_back({x, y, z});
  }
  return corners;
}

}  // namespace

mesh::TriangleMesh read_stl(const std::filesystem::path& file, std::string_view bytes) {
  const auto fail = [&](const std::string& what) {
    return UserError({.what_happened = what, .file = file.string(), .hint = "the file is damaged or cut short"});
  };
  // A binary header may begin with "solid" too, so the size decides.
  const uint64_t facets = bytes.size() >= kStlHeader ? number_at<uint32_t>(bytes, kStlHeader - 4) : 0;
  const bool binary = bytes.size() >= kStlHeader && bytes.size() == kStlHeader + kStlFacet * facets;
  std::vector<mesh::Point> corners;
  if (binary) {
    corners = binary_corners(bytes, facets);
  } else {
    if (!bytes.starts_with("solid")) {
      throw fail(bytes.size() < kStlHeader ? std::string("is not an STL file")
                                           : fmt::format("claims {} triangles of {} bytes, but has {} bytes", facets,
                                                         kStlFacet, bytes.size()));
    }
    auto from_text = text_corners(bytes);
    if (!from_text || from_text->size() % 3 != 0) throw fail("has a triangle without three corners");
    corners = std::move(*from_text);
  }
  const mesh::Welding welding = mesh::weld(corners);
  MeshPart part;
  for (const uint32_t v : welding.vertex_of) part.positions.push_back(corners[v]);
  for (size_t i = 0; i < corners.size(); i += 3) {
    part.triangles.push_back({welding.position_of[i], welding.position_of[i + 1], welding.position_of[i + 2]});
  }
  std::vector<MeshPart> parts;
  parts.push_back(std::move(part));
  return join(file, std::move(parts));
}

}  // namespace lucid::asset::mesh_files
