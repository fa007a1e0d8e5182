// SPDX-License-Identifier: Apache-2.0
// The header of a PLY file as it says of itself; whether the body agrees is the reader's business.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace lucid::asset::ply {

enum class Scalar { kInt8, kUint8, kInt16, kUint16, kInt32, kUint32, kFloat32, kFloat64 };
size_t size_of(Scalar type);  // bytes

struct Property {
  std::string name;
  Scalar type = Scalar::kFloat32;  // of a list: of its items
  bool is_list = false;
  Scalar count_type = Scalar::kUint8;  // lists only
};

struct Element {
  std::string name;
  uint64_t count = 0;  // as claimed
  std::vector<Property> properties;
  bool has_list() const;
  uint64_t least_row_bytes(bool ascii) const;  // what any row needs at the very least
};

enum class Format { kAscii, kLittleEndian, kBigEndian };

struct Header {
  Format format = Format::kAscii;
  std::vector<Element> elements;
  size_t body = 0;  // offset of the first byte after the header
};

/// Throws UserError with the line at fault.
Header parse_header(const std::filesystem::path& file, std::string_view bytes);

/// For names out of a hostile file: a message stays short.
std::string shown(std::string_view name);

}  // namespace lucid::asset::ply
