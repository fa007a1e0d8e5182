// SPDX-License-Identifier: Apache-2.0
// Tries ways to compute a batch from the fastest to the smallest.
#include "lucid/app/memory/parts.h"

namespace lucid::app {

Fit largest_parts(double bytes, const Parts& wanted, const BatchShape& batch,
                  const std::function<double(const Parts&)>& estimate) {
  Fit fit{.parts = wanted};
  const auto is_enough = [&] {
    fit.bytes = estimate(fit.parts);
    return fit.fits = fit.bytes <= bytes;
  };
  if (is_enough()) return fit;
  fit.parts.low_memory = true;
  if (is_enough()) return fit;
  if (batch.workers > 1) {
    fit.parts.pictures_at_once = 1;
    if (is_enough()) return fit;
  }
  for (int64_t rows = batch.rows; rows > 1;) {
    rows = (rows + 1) / 2;
    fit.parts.rows_at_once = rows;
    if (is_enough()) return fit;
  }
  return fit;
}

}  // namespace lucid::app
