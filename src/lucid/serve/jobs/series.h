// SPDX-License-Identifier: Apache-2.0
// The figures of a run over its steps, thinned.
#pragma once

#include "lucid/serve/jobs/run.h"

namespace lucid::serve {

inline constexpr size_t kMostPoints = 256;

/// Adds a point. Points of this step and later ones, which a process before has left, are dropped. The distance of
/// points doubles whenever there are too many; the newest point is always there.
void add_point(Series& series, int64_t step, double score, int64_t gaussians);

/// Drops the points after `step`.
void cut_after(Series& series, int64_t step);

}  // namespace lucid::serve
