// SPDX-License-Identifier: Apache-2.0
// Live frames (asset/live_frame.h) in packed form, for clients on a network. A key frame holds its Gaussians, a delta
// their difference to a key frame. web/src/viewer/packed_frame.ts unpacks them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lucid/asset/live_frame_header.h"

namespace lucid::serve {

enum class PackedKind : uint32_t { kKey = 0, kDelta = 1 };

/// All fields little endian.
///
/// After the header: 16 columns of `count` bytes as one raw deflate stream (RFC 1951). Byte i of column c is byte c of
/// Gaussian i; in a delta, its difference to that of the key frame, modulo 256.
struct PackedFrameHeader {
  asset::LiveFrameHeader frame = {.version = 2};
  PackedKind kind = PackedKind::kKey;
  uint32_t key = 0;  // number of this key frame, or of the one that the delta needs
  uint32_t reserved[2] = {0, 0};
};
static_assert(sizeof(PackedFrameHeader) == 48);

/// A live frame, and the number by which deltas name it.
struct KeyFrame {
  uint32_t number = 0;
  std::string_view bytes = {};
};

/// Whether the bytes are one live frame of version 1 with all its Gaussians.
bool is_whole_frame(std::string_view bytes);

/// `key.bytes` and `frame` are whole live frames; for a delta, of the same count.
std::string pack_key_frame(const KeyFrame& key);
std::string pack_delta(const KeyFrame& key, std::string_view frame);

}  // namespace lucid::serve
