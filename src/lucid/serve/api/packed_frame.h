// SPDX-License-Identifier: Apache-2.0
// Live frames (asset/live_frame.h) in packed form, for clients on a network. A key frame holds its Gaussians, a delta
// their difference to a key frame. web/src/viewer/packed_frame.ts unpacks them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lucid::serve {

enum class PackedKind : uint32_t { kKey = 0, kDelta = 1 };

/// All fields little endian. The fields up to `serial` lie where a live frame has them.
///
/// After the header: 16 columns of `count` bytes as one raw deflate stream (RFC 1951). Byte i of column c is byte c of
/// Gaussian i; in a delta, its difference to that of the key frame, modulo 256.
struct PackedFrameHeader {
  char magic[4] = {'L', 'S', 'P', 'L'};
  uint32_t version = 2;
  uint32_t number = 0;  // counts the frames of a run from 0
  uint32_t step = 0;    // finished steps
  uint32_t steps = 0;   // of the whole run
  uint32_t count = 0;   // Gaussians
  uint32_t index = 0;   // of the run in the client's list
  uint32_t serial = 0;  // of that list
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
