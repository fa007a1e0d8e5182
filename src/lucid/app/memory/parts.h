// SPDX-License-Identifier: Apache-2.0
// The parts in which a run computes its batches, and the largest ones that fit an amount of memory.
#pragma once

#include <cstdint>
#include <functional>

namespace lucid::app {

/// How a run computes a batch.
struct Parts {
  bool low_memory = false;       // recomputes activations, and keeps no copies of large weights
  int64_t pictures_at_once = 0;  // that worker threads compute side by side; 0 = one a thread
  int64_t rows_at_once = 0;      // of the U-Net's batch; 0 = all
  bool operator==(const Parts&) const = default;
};

struct Fit {
  Parts parts;
  double bytes = 0;  // their estimate
  bool fits = false;
};

/// The batch that is to be divided.
struct BatchShape {
  int64_t rows = 1;     // of the U-Net
  int64_t workers = 1;  // that share it; 1 on a card
};

/// Tries ways to compute a batch, from `wanted` to ever smaller parts: low_memory, one picture at a time, then the
/// U-Net's rows in halves, quarters and so on. Returns the first whose estimate is at most `bytes`, else the smallest.
/// Fewer pictures or rows at a time round sums as another number of threads does.
Fit largest_parts(double bytes, const Parts& wanted, const BatchShape& batch,
                  const std::function<double(const Parts&)>& estimate);

}  // namespace lucid::app
