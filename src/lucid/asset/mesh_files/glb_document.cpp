// SPDX-License-Identifier: Apache-2.0
// Container, JSON members and accessors of a binary glTF 2.0 file.
#include "lucid/asset/mesh_files/glb_document.h"

#include <cmath>

#include "lucid/base/error.h"
#include "lucid/base/json_depth.h"

namespace lucid::asset::mesh_files {
namespace {

constexpr size_t kMostJson = size_t{1} << 24;        // bytes; a mesh needs a few kB
constexpr int64_t kLargestWhole = int64_t{1} << 48;  // sums and products with strides stay far from overflow

/// 0 for unknown types, and for small matrices, whose columns are padded.
int component_count(const std::string& type) {
  if (type == "SCALAR") return 1;
  if (type == "VEC2") return 2;
  if (type == "VEC3") return 3;
  if (type == "VEC4") return 4;
  if (type == "MAT4") return 16;
  return 0;
}

}  // namespace

double GlbArray::number(size_t i, int c) const {
  return component_.number(bytes_.data() + i * stride_ + static_cast<size_t>(c) * component_.bytes, normalised_);
}

uint32_t GlbArray::index(size_t i) const { return static_cast<uint32_t>(number(i, 0)); }

GlbDocument::GlbDocument(const std::filesystem::path& file, std::string_view bytes) : file_(file) {
  const GlbChunks chunks = split_glb(file, bytes);
  parse_json(chunks.json);
  binary_ = chunks.binary;
}

void GlbDocument::parse_json(std::string_view text) {
  if (text.size() > kMostJson) fail(fmt::format("has {} bytes of JSON; at most {} are read", text.size(), kMostJson));
  if (nests_deeper(text, kMostJsonFileLevels)) fail(fmt::format("nests deeper than {} levels", kMostJsonFileLevels));
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
  array.component_type_ = whole(about, "componentType", 0);
  const auto component = gltf_component(array.component_type_);
  if (!component) fail(fmt::format("has the unknown component type {}", array.component_type_), key);
  array.component_ = *component;
  const size_t element_bytes = component->bytes * static_cast<size_t>(array.components_);
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
  if (array.normalised_ || (array.component_type_ != kGltfUnsignedByte && array.component_type_ != kGltfUnsignedShort &&
                            array.component_type_ != kGltfUnsignedInt)) {
    fail("does not hold indices", fmt::format("accessors[{}]", accessor));
  }
  return array;
}

}  // namespace lucid::asset::mesh_files
