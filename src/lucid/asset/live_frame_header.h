// SPDX-License-Identifier: Apache-2.0
// The header of a live frame (live_frame.h). No libtorch: the page's server reads it as well.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace lucid::asset {

inline constexpr size_t kLiveSplatBytes = 16;  // a Gaussian, after the header

/// All fields little endian.
struct LiveFrameHeader {
  char magic[4] = {'L', 'S', 'P', 'L'};
  uint32_t version = 1;
  uint32_t number = 0;  // counts the frames of a run from 0
  uint32_t step = 0;    // finished steps
  uint32_t steps = 0;   // of the whole run
  uint32_t count = 0;   // Gaussians that follow
  uint32_t index = 0;   // the page's server sets it: of the run in the client's list
  uint32_t serial = 0;  // the same: of that list
};
static_assert(sizeof(LiveFrameHeader) == 32);

inline bool is_live_frame(std::string_view bytes) {
  return bytes.starts_with(std::string_view(LiveFrameHeader{}.magic, sizeof(LiveFrameHeader::magic)));
}

/// The header at the beginning of `bytes`, of any version; none if it is cut short or no live frame.
inline std::optional<LiveFrameHeader> live_frame_header(std::string_view bytes) {
  LiveFrameHeader header;
  if (bytes.size() < sizeof(header) || !is_live_frame(bytes)) return std::nullopt;
  std::memcpy(&header, bytes.data(), sizeof(header));
  return header;
}

/// Bytes of a whole frame of version 1.
inline size_t bytes_of(const LiveFrameHeader& header) { return sizeof(header) + kLiveSplatBytes * header.count; }

}  // namespace lucid::asset
