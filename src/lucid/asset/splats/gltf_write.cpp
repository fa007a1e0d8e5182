// SPDX-License-Identifier: Apache-2.0
// Writer of KHR_gaussian_splatting as one GLB: a JSON chunk, then a binary chunk with one array for each attribute.
#include <nlohmann/json.hpp>

#include "lucid/asset/splats/arrays.h"
#include "lucid/asset/splats/gltf.h"
#include "lucid/base/error.h"
#include "lucid/math/sh.h"
#include "lucid/math/srgb.h"

namespace lucid::asset::gltf {
namespace {

using Json = nlohmann::ordered_json;
constexpr int kUint16 = 5123, kFloat32 = 5126;  // component types
constexpr int kArrayBuffer = 34962, kPoints = 0;

/// The binary chunk and the JSON that describes it.
struct Builder {
  int64_t count = 0;
  std::string bytes;
  Json views = Json::array(), accessors = Json::array(), attributes = Json::object();

  /// Adds an attribute whose row n is value(n, component).
  template <class T, class Value>
  Json& add(const std::string& name, int components, const Value& value) {
    static const char* const kTypes[] = {"", "SCALAR", "VEC2", "VEC3", "VEC4"};
    const size_t begin = bytes.size();
    for (int64_t n = 0; n < count; ++n) {
      for (int c = 0; c < components; ++c) {
        const T x = value(n, c);
        bytes.append(reinterpret_cast<const char*>(&x), sizeof(T));
      }
    }
    views.push_back(
        {{"buffer", 0}, {"byteOffset", begin}, {"byteLength", bytes.size() - begin}, {"target", kArrayBuffer}});
    accessors.push_back({{"bufferView", views.size() - 1},
                         {"componentType", sizeof(T) == 4 ? kFloat32 : kUint16},
                         {"count", count},
                         {"type", kTypes[components]}});
    if (sizeof(T) != 4) accessors.back()["normalized"] = true;
    attributes[name] = accessors.size() - 1;
    return accessors.back();
  }
};

void add_positions(Builder& to, const CloudArrays& cloud) {
  std::array<float, 3> least{}, most{};
  for (int c = 0; c < 3; ++c) {
    least[c] = most[c] = cloud.means[c];
    for (int64_t n = 0; n < cloud.count; ++n) {
      least[c] = std::min(least[c], cloud.means[3 * n + c]);
      most[c] = std::max(most[c], cloud.means[3 * n + c]);
    }
  }
  Json& accessor = to.add<float>("POSITION", 3, [&](int64_t n, int c) { return cloud.means[3 * n + c]; });
  accessor["min"] = least;
  accessor["max"] = most;
}

void add_attributes(Builder& to, const CloudArrays& cloud, int degree) {
  const std::string prefix = std::string(kExtension) + ":";
  add_positions(to, cloud);
  to.add<uint16_t>("COLOR_0", 4, [&](int64_t n, int c) {  // linear, with opacity as alpha
    const double x =
        c < 3 ? linear_from_srgb(std::clamp(0.5 + kSh0 * cloud.dc[3 * n + c], 0.0, 1.0)) : opacity_of(cloud.logits[n]);
    return static_cast<uint16_t>(std::lround(65535 * x));
  });
  to.add<float>(prefix + "ROTATION", 4, [&](int64_t n, int c) {  // x,y,z,w
    return static_cast<float>(unit_quat(cloud.quats + 4 * n)[(c + 1) % 4]);
  });
  to.add<float>(prefix + "SCALE", 3, [&](int64_t n, int c) { return scale_of(cloud.log_scales[3 * n + c]); });
  to.add<float>(prefix + "OPACITY", 1, [&](int64_t n, int) { return static_cast<float>(opacity_of(cloud.logits[n])); });
  to.add<float>(prefix + "SH_DEGREE_0_COEF_0", 3, [&](int64_t n, int c) { return cloud.dc[3 * n + c]; });
  for (int l = 1; l <= degree; ++l) {
    for (int k = l * l; k < sh_count(l); ++k) {
      to.add<float>(prefix + fmt::format("SH_DEGREE_{}_COEF_{}", l, k - l * l), 3,
                    [&](int64_t n, int c) { return cloud.sh_rest[3 * (n * cloud.rest + k - 1) + c]; });
    }
  }
}

Json document(const Builder& parts) {
  const Json extension = {{"kernel", "ellipse"},
                          {"colorSpace", "srgb_rec709_display"},
                          {"projection", "perspective"},
                          {"sortingMethod", "cameraDistance"}};
  const Json primitive = {
      {"attributes", parts.attributes}, {"mode", kPoints}, {"extensions", {{kExtension, extension}}}};
  Json json;
  json["asset"] = {{"version", "2.0"}, {"generator", "lucid"}};
  json["extensionsUsed"] = {kExtension};
  json["scene"] = 0;
  json["scenes"] = Json::array({{{"nodes", {0}}}});
  json["nodes"] = Json::array({{{"mesh", 0}}});
  json["meshes"] = Json::array({{{"primitives", Json::array({primitive})}}});
  json["accessors"] = parts.accessors;
  json["bufferViews"] = parts.views;
  json["buffers"] = Json::array({{{"byteLength", parts.bytes.size()}}});
  return json;
}

void append_word(std::string& to, size_t value) {
  const auto word = static_cast<uint32_t>(value);
  to.append(reinterpret_cast<const char*>(&word), sizeof word);
}

}  // namespace

std::string encode(const std::filesystem::path& file, const gaussians::Cloud& cloud) {
  constexpr size_t kMostBytes = UINT32_MAX, kJsonRoom = size_t{1} << 20;
  const CloudArrays from = arrays_of(cloud);
  const size_t row = 64 + 12 * static_cast<size_t>(from.rest);  // bytes of one Gaussian in all attributes
  if (static_cast<size_t>(from.count) > (kMostBytes - kJsonRoom) / row) {
    throw UserError({.what_happened = fmt::format("{} Gaussians exceed the 4 GiB of a GLB file", from.count),
                     .file = file.string(),
                     .hint = "write an .spz file"});
  }
  Builder parts;
  parts.count = from.count;
  parts.bytes.reserve(row * from.count);
  add_attributes(parts, from, cloud.sh_degree());
  std::string json = document(parts).dump();
  json.resize((json.size() + 3) / 4 * 4, ' ');
  std::string bytes = "glTF";
  append_word(bytes, 2);
  append_word(bytes, 12 + 8 + json.size() + 8 + parts.bytes.size());
  append_word(bytes, json.size());
  bytes += "JSON" + json;
  append_word(bytes, parts.bytes.size());
  bytes.append("BIN\0", 4);
  return bytes += parts.bytes;
}

}  // namespace lucid::asset::gltf
