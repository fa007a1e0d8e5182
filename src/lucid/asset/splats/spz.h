// SPDX-License-Identifier: Apache-2.0
// SPZ files (Niantic, github.com/nianticlabs/spz): quantised Gaussians, compressed by gzip (versions 1 to 3) or zstd
// (version 4). This is about the bytes; axes are the caller's.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "lucid/gaussians/cloud.h"

namespace lucid::asset::spz {

struct WriteOptions {
  int version = 3;                          // 3 or 4
  std::optional<int> fractional_bits = {};  // of positions; else the most that fit all positions, at most 16
};

/// The bytes of an SPZ file. The cloud is on the CPU, contiguous, finite and not empty. Throws UserError, which names
/// `file`, if a position does not fit into 24 bits.
std::string encode(const std::filesystem::path& file, const gaussians::Cloud& cloud, const WriteOptions& options);

/// Whether the bytes begin like an SPZ file of version 4, or like any gzip file (versions 1 to 3).
bool is_zstd_spz(std::string_view bytes);
bool is_gzip(std::string_view bytes);

/// Reads versions 1 to 4. Coefficients of SH degree 4 are left out; extensions are ignored.
/// Throws UserError.
gaussians::Cloud decode(const std::filesystem::path& file, std::string_view bytes);

}  // namespace lucid::asset::spz
