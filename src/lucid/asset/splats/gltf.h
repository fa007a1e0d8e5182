// SPDX-License-Identifier: Apache-2.0
// Gaussians in glTF 2.0 with the extension KHR_gaussian_splatting (Khronos, release candidate). This is about the
// bytes; axes are the caller's.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "lucid/gaussians/cloud.h"

namespace lucid::asset::gltf {

inline constexpr const char* kExtension = "KHR_gaussian_splatting";

/// The bytes of a GLB file with one mesh of Gaussians. COLOR_0 holds the colours of SH degree 0 for programs that show
/// points. The cloud is on the CPU, contiguous, finite and not empty. Throws UserError, which names `file`, if the
/// file would exceed the 4 GiB of a GLB.
std::string encode(const std::filesystem::path& file, const gaussians::Cloud& cloud);

/// Whether the bytes begin like a GLB file, or like the JSON of a .gltf file.
bool is_glb(std::string_view bytes);
bool is_json(std::string_view bytes);

/// Reads the Gaussians of the default scene from .glb, or from .gltf with embedded or neighbouring buffers. The nodes'
/// translations, rotations and positive uniform scales are applied. SH degrees beyond 3 are left out. Throws UserError.
gaussians::Cloud decode(const std::filesystem::path& file, std::string_view bytes);

}  // namespace lucid::asset::gltf
