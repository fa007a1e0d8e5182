// SPDX-License-Identifier: Apache-2.0
// Reader of the glTF container: chunks, buffers, views and accessors.
#include "lucid/asset/splats/gltf_document.h"

#include <cmath>

#include "lucid/asset/glb_container.h"
#include "lucid/asset/splats/arrays.h"
#include "lucid/asset/splats/gltf.h"
#include "lucid/base/error.h"
#include "lucid/base/json_depth.h"

namespace lucid::asset::gltf {
namespace {

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

/// "a%20b.bin" -> "a b.bin".
std::string percent_decoded(const std::string& uri) {
  std::string text;
  for (size_t i = 0; i < uri.size(); ++i) {
    const auto high = i + 2 < uri.size() ? hex_digit(uri[i + 1]) : std::nullopt;
    const auto low = i + 2 < uri.size() ? hex_digit(uri[i + 2]) : std::nullopt;
    const bool escape = uri[i] == '%' && high && low;
    text += escape ? static_cast<char>(*high * 16 + *low) : uri[i];
    i += escape ? 2 : 0;
  }
  return text;
}

/// RFC 4648. nullopt for other characters than base64's.
std::optional<std::string> base64_decoded(std::string_view text) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::array<int8_t, 256> value;
  value.fill(-1);
  for (size_t i = 0; i < kDigits.size(); ++i) value[static_cast<uint8_t>(kDigits[i])] = static_cast<int8_t>(i);
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 3);
  uint32_t bits = 0;
  int filled = 0;
  for (const char c : text) {
    const int digit = value[static_cast<uint8_t>(c)];
    if (digit < 0) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    filled += 6;
    if (filled < 8) continue;
    filled -= 8;
    bytes += static_cast<char>(bits >> filled & 0xff);
  }
  return bytes;
}

size_t components_of(const std::string& type) {
  if (type == "SCALAR") return 1;
  return static_cast<size_t>(type.back() - '0');  // VEC3, VEC4
}

}  // namespace

uint64_t integer(const nlohmann::json& object, const char* key, std::optional<uint64_t> otherwise) {
  if (otherwise && !object.contains(key)) return *otherwise;
  const nlohmann::json& value = object.at(key);
  // get<uint64_t>() would convert fractions and negative numbers; get_ref<>() throws.
  return value.get_ref<const nlohmann::json::number_unsigned_t&>();
}

Document::Document(const std::filesystem::path& file, std::string_view bytes) : file_(file), size_(bytes.size()) {
  if (is_glb(bytes)) {
    const GlbChunks chunks = split_glb(file, bytes);
    parse(chunks.json);
    glb_buffer_ = chunks.binary;
  } else {
    parse(bytes);
  }
  for (const nlohmann::json& name : json_.value("extensionsRequired", nlohmann::json::array())) {
    if (name != kExtension && name != "KHR_mesh_quantization") {
      refuse("requires the glTF extension " + name.get<std::string>(), "extensionsRequired",
             "only uncompressed KHR_gaussian_splatting is read");
    }
  }
}

void Document::parse(std::string_view text) {
  if (nests_deeper(text, kMostJsonFileLevels)) refuse(fmt::format("nests deeper than {} levels", kMostJsonFileLevels));
  json_ = nlohmann::json::parse(text);
}

void Document::refuse(const std::string& what, const std::string& key, const std::string& hint) const {
  throw UserError({.what_happened = what, .file = file_.string(), .key = key, .hint = hint});
}

const nlohmann::json& Document::at(const char* array, uint64_t index) const {
  const nlohmann::json& items = json_.at(array);
  if (index >= items.size())
    refuse(fmt::format("refers to {}[{}], but there are {}", array, index, items.size()), array);
  return items.at(index);
}

std::string_view Document::external_buffer(uint64_t index, const std::string& uri) {
  constexpr std::string_view kData = "data:", kBase64 = ";base64,";
  if (embedded_.contains(index)) return embedded_[index];
  if (neighbours_.contains(index)) return neighbours_[index]->bytes();
  if (uri.starts_with(kData)) {
    const size_t comma = uri.find(kBase64);
    const auto decoded = comma == std::string::npos
                             ? std::nullopt
                             : base64_decoded(std::string_view(uri).substr(comma + kBase64.size()));
    if (!decoded) refuse("holds a data URI that is not base64", fmt::format("buffers[{}].uri", index));
    return embedded_[index] = *decoded;
  }
  const std::string name = percent_decoded(uri);
  if (name.empty() || name.find("://") != std::string::npos || name.find('\0') != std::string::npos ||
      std::filesystem::path(name).is_absolute()) {
    refuse("the buffer is not a file beside this one", fmt::format("buffers[{}].uri", index));
  }
  auto& mapped = neighbours_[index] = MappedFile::open(file_.parent_path() / name, kExpectedGaussians);
  size_ += mapped->bytes().size();
  return mapped->bytes();
}

std::string_view Document::buffer(uint64_t index) {
  const nlohmann::json& entry = at("buffers", index);
  const uint64_t length = integer(entry, "byteLength");
  const std::string_view bytes =
      entry.contains("uri") ? external_buffer(index, entry.at("uri").get<std::string>()) : glb_buffer_;
  if (length > bytes.size()) {
    refuse(fmt::format("declares {} bytes, but {} are there", length, bytes.size()), fmt::format("buffers[{}]", index));
  }
  return bytes.substr(0, length);
}

std::string_view Document::view(uint64_t index) {
  const nlohmann::json& entry = at("bufferViews", index);
  const std::string_view bytes = buffer(integer(entry, "buffer"));
  const uint64_t offset = integer(entry, "byteOffset", 0), length = integer(entry, "byteLength");
  if (offset > bytes.size() || length > bytes.size() - offset) {
    refuse("does not fit into its buffer", fmt::format("bufferViews[{}]", index));
  }
  return bytes.substr(offset, length);
}

std::vector<float> Document::values(uint64_t index, const std::string& type) {
  const std::string key = fmt::format("accessors[{}]", index);
  const nlohmann::json& entry = at("accessors", index);
  if (entry.at("type") != type) refuse("is not of type " + type, key);
  if (entry.contains("sparse") || !entry.contains("bufferView")) refuse("is sparse, which is not supported", key);
  const auto code = static_cast<int64_t>(integer(entry, "componentType"));
  const auto component = gltf_component(code);
  if (!component || code == kGltfUnsignedInt) refuse(fmt::format("has component type {}", code), key);
  const nlohmann::json& view_entry = at("bufferViews", integer(entry, "bufferView"));
  std::string_view bytes = view(integer(entry, "bufferView"));
  const size_t components = components_of(type), row = components * component->bytes;
  const uint64_t stride = integer(view_entry, "byteStride", row), offset = integer(entry, "byteOffset", 0);
  const uint64_t count = rows(index);
  constexpr uint64_t kMostStride = 252;
  if (stride < row || stride > kMostStride)
    refuse(fmt::format("has rows of {} bytes every {} bytes", row, stride), key);
  if (offset > bytes.size() ||
      (count != 0 && (bytes.size() - offset < row || count - 1 > (bytes.size() - offset - row) / stride))) {
    refuse(fmt::format("{} rows do not fit into their buffer view", count), key, "the file is damaged or cut short");
  }
  const bool normalised = entry.value("normalized", false);
  std::vector<float> numbers(count * components);
  for (uint64_t i = 0; i < count; ++i) {
    for (size_t c = 0; c < components; ++c) {
      const double x = component->number(bytes.data() + offset + i * stride + c * component->bytes, normalised);
      if (!std::isfinite(x)) refuse(fmt::format("row {} (from 0) is {}; every number must be finite", i, x), key);
      numbers[i * components + c] = static_cast<float>(x);
    }
  }
  return numbers;
}

}  // namespace lucid::asset::gltf
