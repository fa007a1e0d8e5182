// SPDX-License-Identifier: Apache-2.0
// The binary container of glTF 2.0 (GLB) and the component types of its accessors, for untrusted files. The readers of
// Gaussians and of meshes share it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

namespace lucid::asset {

/// The parts of a GLB file; they point into its bytes.
struct GlbChunks {
  std::string_view json, binary;  // `binary` is empty if there is none
};
/// Throws UserError unless the bytes are a whole GLB file of version 2 that begins with a JSON chunk.
GlbChunks split_glb(const std::filesystem::path& file, std::string_view bytes);

/// componentType of an accessor (OpenGL's names and numbers).
struct GltfComponent {
  size_t bytes;
  double largest;  // the integer that stands for 1 if normalised; 0 for float
  double (*load)(const char*);

  /// The number at `from`; of integers, if `normalised`, a fraction in [-1, 1].
  double number(const char* from, bool normalised) const;
};
inline constexpr int64_t kGltfUnsignedByte = 5121, kGltfUnsignedShort = 5123, kGltfUnsignedInt = 5125;
/// Empty for an unknown code.
std::optional<GltfComponent> gltf_component(int64_t code);

}  // namespace lucid::asset
