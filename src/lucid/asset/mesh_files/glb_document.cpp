// SPDX-License-Identifier: Apache-2.0
// Container, JSON members and accessors of a binary glTF 2.0 file.
#include "lucid/asset/mesh_files/glb_document.h"

#include <algorithm>
#include <cmath>

#include "lucid/asset/mesh_files/little_endian.h"
#include "lucid/base/error.h"

namespace lucid::asset::mesh_files {
namespace {

constexpr size_t kMostJson = size_t{1} << 26;        // bytes; a mesh needs a few kB
constexpr int64_t kLargestWhole = int64_t{1} << 48;  // sums and products with strides stay far from overflow
constexpr uint32_t kJsonChunk = 0x4E4F534A;          // "JSON"
constexpr uint32_t kBinaryChunk = 0x004E4942;        // "BIN\0"
constexpr size_t kGlbHeader = 12, kChunkHeader = 8;  // bytes

// Component types of glTF, which are OpenGL's.
constexpr int kByte = 5120, kUnsignedByte = 5121, kShort = 5122, kUnsignedShort = 5123, kUnsignedInt = 5125,
              kFloat = 5126;

/// Bytes of a component; 0 for an unknown type.
size_t component_bytes(int64_t type) {
  switch (type) {
    case kByte:
    case kUnsignedByte:
      return 1;
    case kShort:
    case kUnsignedShort:
      return 2;
    case kUnsignedInt:
    case kFloat:
      return 4;
    default:
      return 0;
  }
}

/// 0 for matrices, which no attribute of a mesh has, and for unknown types.
int component_count(const std::string& type) {
  if (type == "SCALAR") return 1;
  if (type == "VEC2") return 2;
  if (type == "VEC3") return 3;
  if (type == "VEC4") return 4;
  return 0;
}

template <class Integer>
double integer_at(const char* from, bool normalised) {
  const auto value = static_cast<double>(number_at<Integer>({from, sizeof(Integer)}, 0));
  return normalised ? std::max(value / static_cast<double>(std::numeric_limits<Integer>::max()), -1.0) : value;
}

}  // namespace

const char* GlbArray::at(size_t i, int c) const {
  return bytes_.data() + i * stride_ + static_cast<size_t>(c) * component_bytes(component_type_);
}

double GlbArray::number(size_t i, int c) const {
  const char* from = at(i, c);
  switch (component_type_) {
    case kByte:
      return integer_at<int8_t>(from, normalised_);
    case kUnsignedByte:
      return integer_at<uint8_t>(from, normalised_);
    case kShort:
      return integer_at<int16_t>(from, normalised_);
    case kUnsignedShort:
      return integer_at<uint16_t>(from, normalised_);
    case kUnsignedInt:
      return integer_at<uint32_t>(from, normalised_);
    default:
      return static_cast<double>(number_at<float>({from, sizeof(float)}, 0));
  }
}

uint32_t GlbArray::index(size_t i) const { return static_cast<uint32_t>(number(i, 0)); }

GlbDocument::GlbDocument(const std::filesystem::path& file, std::string_view bytes) : file_(file) {
  if (bytes.size() < kGlbHeader || !bytes.starts_with("glTF")) fail("is not a binary glTF file");
  if (number_at<uint32_t>(bytes, 4) != 2) fail(fmt::format("is glTF version {}, not 2", number_at<uint32_t>(bytes, 4)));
  const size_t length = number_at<uint32_t>(bytes, 8);
  if (length > bytes.size()) fail(fmt::format("claims {} bytes, but has {}", length, bytes.size()));
  bytes = bytes.substr(0, length);
  bool has_json = false;
  for (size_t at = kGlbHeader; at + kChunkHeader <= bytes.size();) {
    const size_t size = number_at<uint32_t>(bytes, at);
    const auto type = number_at<uint32_t>(bytes, at + 4);
    at += kChunkHeader;
    if (size > bytes.size() - at)
      fail(fmt::format("has a chunk of {} bytes, but only {} are left", size, bytes.size() - at));
    if (type == kJsonChunk && !has_json) {
      parse_json(bytes.substr(at, size));
      has_json = true;
    } else if (type == kBinaryChunk && binary_.empty()) {
      binary_ = bytes.substr(at, size);
    }
    at += size;
  }
  if (!has_json) fail("has no JSON chunk");
}

void GlbDocument::parse_json(std::string_view text) {
  if (text.size() > kMostJson) fail(fmt::format("has {} bytes of JSON; at most {} are read", text.size(), kMostJson));
  root_ = json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!root_.is_object()) fail("its JSON cannot be parsed");
}

void GlbDocument::fail(const std::string& what, const std::string& key) const {
  throw UserError({.what_happened = what, .file = file_.string(), .key = key});
}

const GlbDocument::json* GlbDocument::member(const json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

const GlbDocument::json& GlbDocument::element(const char* list, int64_t number) const {
  const json* all = member(root_, list);
  const size_t size = all != nullptr && all->is_array() ? all->size() : 0;
  if (number < 0 || static_cast<uint64_t>(number) >= size) fail(fmt::format("has no {}[{}]", list, number), list);
  return (*all)[static_cast<size_t>(number)];
}

int64_t GlbDocument::whole(const json& object, const char* key, int64_t otherwise) const {
  const json* value = member(object, key);
  if (value == nullptr) return otherwise;
  // Some programs write whole numbers as 3.0.
  const double number = value->is_number() ? value->get<double>() : -1;
  if (!(number >= 0 && number <= static_cast<double>(kLargestWhole)) || number != std::floor(number)) {
    fail("is not a whole number of at least 0", key);
  }
  return static_cast<int64_t>(number);
}

bool GlbDocument::numbers(const json& object, const char* key, size_t size, double* values) const {
  const json* list = member(object, key);
  if (list == nullptr) return false;
  if (!list->is_array() || list->size() != size) fail(fmt::format("is not a list of {} numbers", size), key);
  for (size_t i = 0; i < size; ++i) {
    if (!(*list)[i].is_number()) fail(fmt::format("is not a list of {} numbers", size), key);
    values[i] = (*list)[i].get<double>();
  }
  return true;
}

std::string_view GlbDocument::view(int64_t number) const {
  const json& view = element("bufferViews", number);
  const int64_t buffer = whole(view, "buffer", -1);
  const json& about = element("buffers", buffer);
  if (buffer != 0 || member(about, "uri") != nullptr) {
    fail("keeps its data outside the file; only self-contained .glb files are read", "buffers");
  }
  const auto offset = static_cast<uint64_t>(whole(view, "byteOffset", 0));
  const auto length = static_cast<uint64_t>(whole(view, "byteLength", 0));
  if (offset > binary_.size() || length > binary_.size() - offset) {
    fail(fmt::format("bytes {} to {} of {}", offset, offset + length, binary_.size()),
         fmt::format("bufferViews[{}]", number));
  }
  return binary_.substr(offset, length);
}

GlbArray GlbDocument::array(int64_t accessor, int least_components, int most_components) const {
  const std::string key = fmt::format("accessors[{}]", accessor);
  const json& about = element("accessors", accessor);
  if (member(about, "sparse") != nullptr) fail("is sparse, which is not read", key);
  if (member(about, "bufferView") == nullptr) fail("has no data", key);
  const json* type = member(about, "type");
  const json* normalised = member(about, "normalized");
  GlbArray array;
  array.components_ = component_count(type != nullptr && type->is_string() ? type->get<std::string>() : "");
  if (array.components_ < least_components || array.components_ > most_components) {
    fail(fmt::format("does not have {} to {} components", least_components, most_components), key);
  }
  const int64_t component_type = whole(about, "componentType", 0);
  const size_t element_bytes = component_bytes(component_type) * static_cast<size_t>(array.components_);
  if (element_bytes == 0) fail(fmt::format("has the unknown component type {}", component_type), key);
  array.component_type_ = static_cast<int>(component_type);
  array.normalised_ = normalised != nullptr && normalised->is_boolean() && normalised->get<bool>();

  const int64_t view_number = whole(about, "bufferView", 0);
  const std::string_view bytes = view(view_number);
  const auto stride = static_cast<size_t>(whole(element("bufferViews", view_number), "byteStride", 0));
  array.stride_ = stride == 0 ? element_bytes : stride;
  array.count_ = static_cast<size_t>(whole(about, "count", 0));
  const auto offset = static_cast<size_t>(whole(about, "byteOffset", 0));
  // By divisions, since products may overflow: the last element begins (count - 1) strides after the first.
  const bool fits = array.stride_ >= element_bytes && array.count_ > 0 && offset <= bytes.size() &&
                    bytes.size() - offset >= element_bytes &&
                    array.count_ - 1 <= (bytes.size() - offset - element_bytes) / array.stride_;
  if (!fits) {
    fail(fmt::format("{} elements of {} bytes from byte {} on do not fit a buffer view of {} bytes", array.count_,
                     element_bytes, offset, bytes.size()),
         key);
  }
  array.bytes_ = bytes.substr(offset);
  return array;
}

GlbArray GlbDocument::indices(int64_t accessor) const {
  const GlbArray array = this->array(accessor, 1, 1);
  if (array.normalised_ || (array.component_type_ != kUnsignedByte && array.component_type_ != kUnsignedShort &&
                            array.component_type_ != kUnsignedInt)) {
    fail("does not hold indices", fmt::format("accessors[{}]", accessor));
  }
  return array;
}

}  // namespace lucid::asset::mesh_files
