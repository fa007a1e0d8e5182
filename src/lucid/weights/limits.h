// SPDX-License-Identifier: Apache-2.0
// Limits of weight files (docs/guide/weights.md lists them). Published models stay far below each; a hostile file costs
// little time and memory before it is refused.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lucid::weights {

inline constexpr size_t kMostTensors = 1 << 16;    // in one file; Stable Diffusion has 1 100, SDXL 2 600
inline constexpr size_t kMostNameBytes = 1000;     // of a tensor or a class; the longest known ones have 150
inline constexpr uint64_t kMostHeader = 32 << 20;  // bytes of a .safetensors header; SDXL's has 0.3 MB
inline constexpr size_t kMostAxes = 8;             // of a tensor

inline constexpr uint64_t kMostPickle = 64 << 20;     // bytes
inline constexpr size_t kMostPickleValues = 1 << 20;  // also on the stack and in the memo; Stable Diffusion has 50 000
inline constexpr size_t kMostPickleItems = 1 << 22;   // of all lists, tuples and dicts together
inline constexpr uint32_t kMostPickleLevels = 64;     // of values within values; a TorchScript module has 15

inline constexpr uint64_t kMostZipEntries = 1 << 16;

}  // namespace lucid::weights
