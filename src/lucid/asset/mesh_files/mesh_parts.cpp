// SPDX-License-Identifier: Apache-2.0
// Joins the parts of a mesh file, and decodes their textures with stb_image.
#include "lucid/asset/mesh_files/mesh_parts.h"

#include <stb/stb_image.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "lucid/asset/mesh_files/vertex_colours.h"
#include "lucid/base/error.h"

namespace lucid::asset::mesh_files {
namespace {

constexpr mesh::Colour kWhite{255, 255, 255};
constexpr float kUvSlack = 1e-3F;  // rounding of other programs; beyond it the texture repeats

bool is_white(const mesh::Colour& colour) { return colour == kWhite; }

bool shows_texture_unchanged(const MeshPart& part) {
  const auto inside = [](const Vec2<float>& uv) {
    return uv.x >= -kUvSlack && uv.x <= 1 + kUvSlack && uv.y >= -kUvSlack && uv.y <= 1 + kUvSlack;
  };
  return part.texture != nullptr && part.uvs.size() == part.positions.size() && is_white(part.base) &&
         std::all_of(part.colours.begin(), part.colours.end(), is_white) &&
         std::all_of(part.uvs.begin(), part.uvs.end(), inside);
}

/// Materials multiply linear values.
mesh::Colour product(const mesh::Colour& a, const mesh::Colour& b) {
  if (is_white(a)) return b;
  if (is_white(b)) return a;
  mesh::Colour result;
  for (size_t c = 0; c < 3; ++c) result[c] = srgb_from_linear(linear_from_srgb(a[c]) * linear_from_srgb(b[c]));
  return result;
}

/// [V]
std::vector<mesh::Colour> colours_of_part(const MeshPart& part) {
  std::vector<mesh::Colour> colours(part.positions.size(), part.base);
  for (size_t v = 0; v < colours.size(); ++v) {
    if (!part.colours.empty()) colours[v] = product(colours[v], part.colours[v]);
    if (part.texture != nullptr && !part.uvs.empty()) {
      colours[v] = product(colours[v], texture_at(*part.texture, part.uvs[v]));
    }
  }
  return colours;
}

/// Drops what no reader can use, and refuses what makes no mesh.
void check_part(const std::filesystem::path& file, MeshPart& part) {
  const auto refuse = [&](const std::string& what) { throw UserError({.what_happened = what, .file = file.string()}); };
  for (const mesh::Point& p : part.positions) {
    if (!std::isfinite(p.x) || !std::isfinite(p.y) || !std::isfinite(p.z)) refuse("has a position that is not finite");
  }
  const size_t vertices = part.positions.size();
  for (const mesh::Triangle& t : part.triangles) {
    for (const uint32_t v : t) {
      if (v >= vertices) refuse(fmt::format("has a triangle with vertex {}, but only {} vertices", v, vertices));
    }
  }
  for (Vec2<float>& uv : part.uvs) {
    if (!std::isfinite(uv.x) || !std::isfinite(uv.y)) uv = {};
  }
}

/// Decodes a PNG or JPEG of at most `most_pixels` as RGB; null if that fails.
std::shared_ptr<const mesh::Texture> decode_texture(std::string_view bytes, size_t most_pixels) {
  constexpr int kLargest = 8192;                      // pixels a side
  constexpr size_t kMostFileBytes = size_t{1} << 30;  // stb_image takes an int
  // stb_image knows more formats, which mesh files do not use. Their decoders stay out of reach of hostile files.
  if (!bytes.starts_with("\x89PNG") && !bytes.starts_with("\xff\xd8\xff")) return nullptr;
  if (bytes.size() > kMostFileBytes) return nullptr;
  const auto* data = reinterpret_cast<const stbi_uc*>(bytes.data());
  const int size = static_cast<int>(bytes.size());
  int width = 0, height = 0, channels = 0;
  if (stbi_info_from_memory(data, size, &width, &height, &channels) == 0) return nullptr;
  if (width > kLargest || height > kLargest || size_t(width) * size_t(height) > most_pixels) return nullptr;
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load_from_memory(data, size, &width, &height, &channels, 3), &stbi_image_free);
  if (pixels == nullptr) return nullptr;
  mesh::Texture texture{.width = width, .height = height, .pixels = {}};
  texture.pixels.resize(static_cast<size_t>(width) * static_cast<size_t>(height));
  static_assert(sizeof(mesh::Colour) == 3);
  std::memcpy(texture.pixels.data(), pixels.get(), texture.pixels.size() * sizeof(mesh::Colour));
  return std::make_shared<const mesh::Texture>(std::move(texture));
}

}  // namespace

mesh::TriangleMesh join(const std::filesystem::path& file, std::vector<MeshPart> parts) {
  std::erase_if(parts, [](const MeshPart& part) { return part.triangles.empty(); });
  if (parts.empty()) throw UserError({.what_happened = "holds no triangles", .file = file.string()});
  size_t vertices = 0, triangles = 0;
  for (MeshPart& part : parts) {
    check_part(file, part);
    vertices += part.positions.size();
    triangles += part.triangles.size();
  }
  if (std::max(vertices, triangles) > kMostElements) {
    throw UserError({.what_happened = fmt::format("has {} vertices and {} triangles; at most {} are read", vertices,
                                                  triangles, kMostElements),
                     .file = file.string()});
  }
  const bool textured = std::all_of(parts.begin(), parts.end(), [&](const MeshPart& part) {
    return part.texture == parts.front().texture && shows_texture_unchanged(part);
  });
  mesh::TriangleMesh mesh;
  for (const MeshPart& part : parts) {
    const auto first = static_cast<uint32_t>(mesh.positions.size());
    mesh.positions.insert(mesh.positions.end(), part.positions.begin(), part.positions.end());
    for (const mesh::Triangle& t : part.triangles) {
      mesh.triangles.push_back({first + t[0], first + t[1], first + t[2]});
    }
    if (textured) {
      for (const Vec2<float>& uv : part.uvs) {
        mesh.uvs.push_back({std::clamp(uv.x, 0.0F, 1.0F), std::clamp(uv.y, 0.0F, 1.0F)});
      }
    } else {
      const std::vector<mesh::Colour> colours = colours_of_part(part);
      mesh.colours.insert(mesh.colours.end(), colours.begin(), colours.end());
    }
  }
  if (textured) mesh.texture = *parts.front().texture;
  if (std::all_of(mesh.colours.begin(), mesh.colours.end(), is_white)) mesh.colours.clear();
  return mesh;
}

std::shared_ptr<const mesh::Texture> TextureStore::get(const std::string& name,
                                                       const std::function<std::string_view()>& bytes) {
  constexpr size_t kMostPixels = size_t{1} << 27;
  const auto [at, is_new] = textures_.emplace(name, nullptr);
  if (is_new) at->second = decode_texture(bytes(), kMostPixels - pixels_);
  if (is_new && at->second != nullptr) pixels_ += at->second->pixels.size();
  return at->second;
}

}  // namespace lucid::asset::mesh_files
