// SPDX-License-Identifier: Apache-2.0
// For tests: live frames, and what a client does with packed ones.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <string_view>

#include "lucid/serve/api/packed_frame.h"

namespace lucid::serve::test {

/// A live frame (asset/live_frame.h) of random Gaussians.
inline std::string random_frame(uint32_t number, uint32_t count) {
  std::mt19937 random(number);
  std::string frame(32 + 16 * size_t{count}, '\0');
  frame.replace(0, 4, "LSPL");
  const uint32_t fields[] = {1, number, 10 * number, 100, count};
  std::memcpy(frame.data() + 4, fields, sizeof(fields));
  for (size_t i = 32; i < frame.size(); ++i) frame[i] = static_cast<char>(random());
  return frame;
}

inline PackedFrameHeader packed_header(std::string_view packed) {
  PackedFrameHeader header{.frame = {.version = 0}};
  if (packed.size() >= sizeof(header)) std::memcpy(static_cast<void*>(&header), packed.data(), sizeof(header));
  return header;
}

/// The live frame in a packed one; empty if there is none. `key`: the live frame of the key frame; unused for key
/// frames.
inline std::string unpacked(std::string_view packed, std::string_view key) {
  const PackedFrameHeader header = packed_header(packed);
  if (header.frame.version != 2) return {};
  std::string columns(16 * size_t{header.frame.count} + 1, '\0');  // a byte more, so that too long a stream shows
  z_stream stream{};
  inflateInit2(&stream, -15);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data() + sizeof(header)));
  stream.avail_in = static_cast<uInt>(packed.size() - sizeof(header));
  stream.next_out = reinterpret_cast<Bytef*>(columns.data());
  stream.avail_out = static_cast<uInt>(columns.size());
  const int code = inflate(&stream, Z_FINISH);
  inflateEnd(&stream);
  if (code != Z_STREAM_END || stream.total_out != 16 * size_t{header.frame.count} || stream.avail_in != 0) return {};
  const bool delta = header.kind == PackedKind::kDelta;
  if (delta && key.size() != 32 + stream.total_out) return {};
  std::string frame(packed.substr(0, 32));
  frame[4] = 1;
  for (size_t i = 0; i < header.frame.count; ++i) {
    for (size_t c = 0; c < 16; ++c) {
      const int before = delta ? static_cast<uint8_t>(key[32 + 16 * i + c]) : 0;
      frame += static_cast<char>(before + static_cast<uint8_t>(columns[c * header.frame.count + i]));
    }
  }
  return frame;
}

}  // namespace lucid::serve::test
