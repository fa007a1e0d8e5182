// SPDX-License-Identifier: Apache-2.0
// .splat files (antimatter15/splat): 32 bytes a Gaussian without a header and without view dependence. This is about
// the bytes; axes are the caller's.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "lucid/gaussians/cloud.h"

namespace lucid::asset::dot_splat {

/// The bytes of a .splat file: Gaussians by falling volume times opacity, so that a viewer can show the first ones
/// while it loads the others. SH coefficients of degree 1 and more are left out. The cloud is on the CPU, contiguous
/// and finite.
std::string encode(const gaussians::Cloud& cloud);

/// Throws UserError, also for NaN, Inf and negative scales.
gaussians::Cloud decode(const std::filesystem::path& file, std::string_view bytes);

}  // namespace lucid::asset::dot_splat
