// SPDX-License-Identifier: Apache-2.0
// Philox4x32-10 random numbers (Salmon et al. 2011) and Box-Muller normals (1958) as functions for host and device. Rng
// is built on them; CPU threads and GPU kernels call them directly.
#pragma once

#include <cmath>
#include <cstdint>

#include "lucid/base/inline.h"

namespace lucid {

struct PhiloxKey {
  uint32_t words[2] = {0, 0};
};
struct PhiloxBlock {
  uint32_t words[4] = {0, 0, 0, 0};
};

/// Returns words 4 block to 4 block + 3 of the random words of (key, step).
LUCID_INLINE PhiloxBlock philox(PhiloxKey key, uint64_t step, uint64_t block) {
  uint32_t a = uint32_t(block), b = uint32_t(block >> 32), c = uint32_t(step), d = uint32_t(step >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t first = 0xD2511F53ull * a, second = 0xCD9E8D57ull * c;
    a = uint32_t(second >> 32) ^ b ^ key.words[0];
    b = uint32_t(second);
    c = uint32_t(first >> 32) ^ d ^ key.words[1];
    d = uint32_t(first);
    key.words[0] += 0x9E3779B9u;
    key.words[1] += 0xBB67AE85u;
  }
  return {{a, b, c, d}};
}

/// Uniform in [0, 1) with 53 random bits, from two words.
LUCID_INLINE double uniform_of(uint32_t first, uint32_t second) {
  return double(uint64_t(first >> 5) << 26 | second >> 6) * 0x1p-53;
}

struct NormalPair {
  double first, second;
};
/// Two independent standard normals from two uniforms in [0, 1).
LUCID_INLINE NormalPair box_muller(double first, double second) {
  const double radius = sqrt(-2 * log(1 - first)), angle = 2 * 3.14159265358979323846 * second;
  return {radius * cos(angle), radius * sin(angle)};
}

/// A sequence of normals in a stream that any thread can compute by index: first `spare` (if the stream had used only
/// half of its last pair), then pairs, each from four words, starting at word number `word`.
struct NormalRun {
  PhiloxKey key = {};
  uint64_t step = 0, word = 0;
  bool has_spare = false;
  double spare = 0;

  /// The pair with this number, counted from `word`; the spare is not part of a pair.
  LUCID_INLINE NormalPair pair(uint64_t number) const {
    const uint64_t block = word / 4 + number;
    const unsigned lane = unsigned(word % 4);  // position inside a block at which every pair begins
    const PhiloxBlock now = philox(key, step, block);
    if (lane == 0) return box_muller(uniform_of(now.words[0], now.words[1]), uniform_of(now.words[2], now.words[3]));
    const PhiloxBlock next = philox(key, step, block + 1);
    uint32_t words[4];
    for (unsigned k = 0; k < 4; ++k) words[k] = lane + k < 4 ? now.words[lane + k] : next.words[lane + k - 4];
    return box_muller(uniform_of(words[0], words[1]), uniform_of(words[2], words[3]));
  }
};

}  // namespace lucid
