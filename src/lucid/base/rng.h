// SPDX-License-Identifier: Apache-2.0
// Counter-based random number generator (Philox4x32-10, Salmon et al. 2011) with named streams. A stream is a pure
// function of (seed, name, step), so a resumed run draws the same numbers as an unbroken one without saved state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "lucid/base/philox.h"

namespace lucid {

class Rng {
 public:
  Rng(uint64_t seed, std::string_view stream, uint64_t step = 0);

  uint32_t next_u32();
  double uniform();                             // [0, 1), 53 bits
  double uniform(double low, double high);      // [low, high)
  int64_t integer(int64_t low, int64_t high);   // [low, high), like torch.randint
  double normal();                              // standard normal (Box-Muller)
  bool chance(double probability);              // true with this probability
  void fill_uniform(float* out, size_t count);  // [0, 1), 24 bits
  void fill_normal(float* out, size_t count);   // the same values as `count` calls of normal(); multithreaded
  /// Skips the next `count` normals and returns their position in the stream, so that the caller can compute them
  /// elsewhere (other threads, a GPU).
  NormalRun skip_normals(size_t count);

 private:
  PhiloxKey key_;
  uint64_t step_ = 0, word_ = 0;  // word_: number of the next word
  PhiloxBlock block_;             // the block that holds the last word drawn
  double spare_ = 0;
  bool has_spare_ = false;
};

/// A uniformly chosen element of `from`, which must not be empty.
template <class T>
const T& pick(const std::vector<T>& from, Rng& rng) {
  return from[static_cast<size_t>(rng.integer(0, static_cast<int64_t>(from.size())))];
}

}  // namespace lucid
