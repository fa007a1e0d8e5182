// SPDX-License-Identifier: Apache-2.0
// Layout of SPZ files: header and sections. All numbers are little-endian. A file holds, one after another, all
// positions, all alphas, all colours, all scales, all rotations and all SH coefficients.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace lucid::asset::spz {

constexpr uint32_t kMagic = 0x5053474e;  // "NGSP" in the order of the file's bytes
constexpr int kMostDegree = 4, kMostFractionalBits = 24;
constexpr size_t kGzipHeader = 16, kZstdHeader = 32;  // bytes, in versions 1 to 3 and in version 4
constexpr uint8_t kAntialiased = 1;                   // bit of `flags`: wants Mip-Splatting's 2D filter
constexpr uint8_t kHasExtensions = 2;                 // bit of `flags`

struct Header {
  uint32_t version = 3;
  uint32_t count = 0;  // Gaussians
  int degree = 0;      // SH degree of the file
  int fractional_bits = 12;
  uint8_t flags = 0;
  uint8_t streams = 0;      // version 4: number of zstd frames
  uint32_t toc_offset = 0;  // version 4: offset of the table of (compressed, raw) sizes
};

enum Section { kPositions, kAlphas, kColours, kScales, kRotations, kSh };
constexpr int kSections = kSh + 1;

/// Bytes that one Gaussian takes in each section.
inline std::array<size_t, kSections> section_bytes(const Header& header) {
  const auto coefficients = static_cast<size_t>((header.degree + 1) * (header.degree + 1) - 1);
  return {header.version == 1 ? size_t{6} : size_t{9},
          1,
          3,
          3,
          header.version >= 3 ? size_t{4} : size_t{3},
          3 * coefficients};
}
inline size_t gaussian_bytes(const Header& header) {
  size_t sum = 0;
  for (const size_t bytes : section_bytes(header)) sum += bytes;
  return sum;
}

template <class T>
T load(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}
template <class T>
void store(std::string& to, T value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

}  // namespace lucid::asset::spz
