// SPDX-License-Identifier: Apache-2.0
// Counter-based random numbers (Philox4x32-10, Salmon et al. 2011) with named streams. A stream is a pure function of
// (seed, name, step): nothing has to be saved for a resumed run to draw what the unbroken one would have drawn.
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
  double uniform();                            // [0, 1), 53 bits
  double uniform(double low, double high);     // [low, high)
  int64_t integer(int64_t low, int64_t high);  // [low, high), high exclusive as torch.randint
  double normal();                             // standard normal (Box-Muller)
  bool chance(double probability);
  void fill_uniform(float* out, size_t count);  // [0, 1)
  void fill_normal(float* out, size_t count);   // count times normal(), by several threads if they are many
  /// The next `count` normals, for somebody else to compute; this stream goes on after them.
  NormalRun skip_normals(size_t count);

 private:
  PhiloxKey key_;
  uint64_t step_ = 0, word_ = 0;  // the next word's number
  PhiloxBlock block_;             // that of the last word drawn
  double spare_ = 0;
  bool has_spare_ = false;
};

/// One of `from`, which must not be empty.
template <class T>
const T& pick(const std::vector<T>& from, Rng& rng) {
  return from[static_cast<size_t>(rng.integer(0, static_cast<int64_t>(from.size())))];
}

}  // namespace lucid
