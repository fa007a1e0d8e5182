// SPDX-License-Identifier: Apache-2.0
// Chunks of a GLB file, and numbers of every component type.
#include "lucid/asset/glb_container.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <type_traits>

#include "lucid/base/error.h"

namespace lucid::asset {
namespace {

uint32_t word(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

template <class T>
double loaded(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return static_cast<double>(value);
}

template <class T>
constexpr GltfComponent component() {
  return {sizeof(T), std::is_integral_v<T> ? static_cast<double>(std::numeric_limits<T>::max()) : 0, loaded<T>};
}

}  // namespace

GlbChunks split_glb(const std::filesystem::path& file, std::string_view bytes) {
  constexpr size_t kHeader = 12, kChunkHeader = 8;
  const auto refuse = [&](const std::string& what, const std::string& hint = "") {
    throw UserError({.what_happened = what, .file = file.string(), .hint = hint});
  };
  if (!bytes.starts_with("glTF")) refuse("is not a binary glTF file");
  if (bytes.size() < kHeader) refuse("is too short for a GLB file");
  if (word(bytes, 4) != 2) refuse(fmt::format("is GLB version {}", word(bytes, 4)), "version 2 is read");
  const size_t length = word(bytes, 8);
  if (length > bytes.size()) {
    refuse(fmt::format("is cut short: its header claims {} bytes, but it has {}", length, bytes.size()));
  }
  bytes = bytes.substr(0, length);
  GlbChunks chunks;
  bool has_json = false;
  for (size_t at = kHeader; at + kChunkHeader <= bytes.size();) {
    const size_t size = word(bytes, at);
    const std::string_view type = bytes.substr(at + 4, 4);
    at += kChunkHeader;
    if (size > bytes.size() - at) {
      refuse(fmt::format("has a chunk of {} bytes, which does not fit into the {} that are left", size,
                         bytes.size() - at));
    }
    if (!has_json) {
      if (type != "JSON") refuse("has no JSON chunk: its first chunk is not JSON");
      chunks.json = bytes.substr(at, size);
      has_json = true;
    } else if (type == std::string_view("BIN\0", 4) && chunks.binary.empty()) {
      chunks.binary = bytes.substr(at, size);
    }
    at += size;
  }
  if (!has_json) refuse("has no JSON chunk");
  return chunks;
}

double GltfComponent::number(const char* from, bool normalised) const {
  const double value = load(from);
  return normalised && largest > 0 ? std::max(value / largest, -1.0) : value;
}

std::optional<GltfComponent> gltf_component(int64_t code) {
  switch (code) {
    case 5120:
      return component<int8_t>();
    case kGltfUnsignedByte:
      return component<uint8_t>();
    case 5122:
      return component<int16_t>();
    case kGltfUnsignedShort:
      return component<uint16_t>();
    case kGltfUnsignedInt:
      return component<uint32_t>();
    case 5126:
      return component<float>();
    default:
      return std::nullopt;
  }
}

}  // namespace lucid::asset
