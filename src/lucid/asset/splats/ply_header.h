// SPDX-License-Identifier: Apache-2.0
// PLY headers: the elements, properties and encoding that a file declares. Whether the body matches is for ply_body.h
// to check.
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
  Scalar type = Scalar::kFloat32;  // for a list: the type of its items
  bool is_list = false;
  Scalar count_type = Scalar::kUint8;  // lists only
};

struct Element {
  std::string name;
  uint64_t count = 0;  // number of rows that the header declares
  std::vector<Property> properties;
  bool has_list() const;
  uint64_t least_row_bytes(bool ascii) const;  // lower bound of the bytes in a row
};

enum class Format { kAscii, kLittleEndian, kBigEndian };

struct Header {
  Format format = Format::kAscii;
  std::vector<Element> elements;
  size_t body = 0;  // offset of the first byte after the header
  // A comment says that the Gaussians want Mip-Splatting's 2D filter: Brush's "SplatRenderMode: mip" or Postshot's
  // "antialiased 1".
  bool mip_filter = false;
};

/// Parses the header at the begin of a file's bytes. Throws UserError with the number of the faulty line.
Header parse_header(const std::filesystem::path& file, std::string_view bytes);

/// A name from a file, shortened for an error message.
std::string shown(std::string_view name);

}  // namespace lucid::asset::ply
