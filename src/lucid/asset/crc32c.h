// SPDX-License-Identifier: Apache-2.0
// CRC-32C (Castagnoli polynomial; zlib's crc32 uses another one) and TFRecord's masking of it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace lucid::asset {
namespace detail {

constexpr std::array<uint32_t, 256> make_crc32c_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1u) != 0 ? (crc >> 1) ^ 0x82F63B78u : crc >> 1;  // reflected
    table[i] = crc;
  }
  return table;
}
inline constexpr std::array<uint32_t, 256> kCrc32cTable = make_crc32c_table();

}  // namespace detail

constexpr uint32_t crc32c(std::string_view bytes) {
  uint32_t crc = 0xFFFFFFFFu;
  for (const char c : bytes) crc = (crc >> 8) ^ detail::kCrc32cTable[(crc ^ static_cast<unsigned char>(c)) & 0xFFu];
  return ~crc;
}

/// TFRecord's mask: the CRC rotated, plus a constant, because a CRC of data that contains its own CRC is weak.
constexpr uint32_t masked_crc32c(std::string_view bytes) {
  const uint32_t crc = crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xA282EAD8u;
}

static_assert(crc32c("123456789") == 0xE3069283u);

}  // namespace lucid::asset
