// SPDX-License-Identifier: Apache-2.0
// Columns and raw deflate. Runs are the only repeats that zlib looks for: on frames of a real run this takes half the
// time of its level 1, and gives fewer bytes (docs/research/page.md).
#include "lucid/serve/api/packed_frame.h"

#include <zlib.h>

#include <cstring>

#include "lucid/base/error.h"

namespace lucid::serve {
namespace {

using asset::kLiveSplatBytes;
constexpr size_t kFrameHeaderBytes = sizeof(asset::LiveFrameHeader);

size_t count_of(std::string_view frame) { return (frame.size() - kFrameHeaderBytes) / kLiveSplatBytes; }

/// Byte c of Gaussian i goes to column c, place i.
std::string columns_of(std::string_view frame) {
  const size_t count = count_of(frame);
  const char* splats = frame.data() + kFrameHeaderBytes;
  std::string columns(kLiveSplatBytes * count, '\0');
  for (size_t i = 0; i < count; ++i) {
    for (size_t c = 0; c < kLiveSplatBytes; ++c) columns[c * count + i] = splats[kLiveSplatBytes * i + c];
  }
  return columns;
}

std::string deflated(const PackedFrameHeader& header, std::string_view bytes) {
  constexpr int kRaw = -15, kMemory = 9;  // no header of zlib's own
  z_stream stream{};
  LUCID_CHECK(deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kRaw, kMemory, Z_RLE) == Z_OK, "zlib");
  std::string out(sizeof(header) + deflateBound(&stream, bytes.size()), '\0');
  std::memcpy(out.data(), &header, sizeof(header));
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data() + sizeof(header));
  stream.avail_out = static_cast<uInt>(out.size() - sizeof(header));
  const int code = deflate(&stream, Z_FINISH);
  out.resize(sizeof(header) + stream.total_out);
  deflateEnd(&stream);
  LUCID_CHECK(code == Z_STREAM_END, "zlib: {}", code);
  return out;
}

std::string packed(std::string_view frame, PackedKind kind, uint32_t key, std::string_view columns) {
  PackedFrameHeader header{.frame = *asset::live_frame_header(frame), .kind = kind, .key = key};
  header.frame.version = PackedFrameHeader{}.frame.version;
  return deflated(header, columns);
}

}  // namespace

bool is_whole_frame(std::string_view bytes) {
  const auto header = asset::live_frame_header(bytes);
  return header && header->version == asset::LiveFrameHeader{}.version && bytes.size() == asset::bytes_of(*header);
}

std::string pack_key_frame(const KeyFrame& key) {
  LUCID_CHECK(is_whole_frame(key.bytes), "{} bytes", key.bytes.size());
  return packed(key.bytes, PackedKind::kKey, key.number, columns_of(key.bytes));
}

std::string pack_delta(const KeyFrame& key, std::string_view frame) {
  LUCID_CHECK(is_whole_frame(key.bytes) && is_whole_frame(frame) && key.bytes.size() == frame.size(), "{} and {} bytes",
              key.bytes.size(), frame.size());
  std::string difference(frame);
  for (size_t i = kFrameHeaderBytes; i < frame.size(); ++i) {
    difference[i] = static_cast<char>(static_cast<uint8_t>(frame[i]) - static_cast<uint8_t>(key.bytes[i]));
  }
  return packed(frame, PackedKind::kDelta, key.number, columns_of(difference));
}

}  // namespace lucid::serve
