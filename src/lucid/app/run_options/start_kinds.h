// SPDX-License-Identifier: Apache-2.0
// Values of init_shape that are no shapes of gaussians::kStartNames (kPointE is another).
#pragma once

namespace lucid::app {

inline constexpr const char* kLearnedStart = "learned";  // of the shape model in models/shape
inline constexpr const char* kAutoStart = "auto";        // Point-E if it is given, else learned, else a sphere

}  // namespace lucid::app
