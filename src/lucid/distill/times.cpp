// SPDX-License-Identifier: Apache-2.0
// Timesteps of a training step: the annealed interval delta_T, the range of t, and the strides of the DDIM inversion.
#include <algorithm>
#include <cmath>

#include "lucid/base/error.h"
#include "lucid/distill/distiller.h"

namespace lucid::distill {

double warm_up_rate(const ScoreOptions& options, int64_t iteration) {
  if (options.warmup_iter <= 0) return 0;
  return 1 - std::min(static_cast<double>(iteration) / static_cast<double>(options.warmup_iter), 1.0);
}

int64_t interval(const ScoreOptions& options, int64_t iteration) {
  if (!options.annealing_intervals) return options.delta_t;
  const double rate = warm_up_rate(options, iteration);
  const double extra = rate * static_cast<double>(options.delta_t_start - options.delta_t);
  // The reference rounds the extra up with Perp-Neg and truncates the sum without it (81 against 80 at iteration 1499).
  return static_cast<int64_t>(static_cast<double>(options.delta_t) + (options.perpneg ? std::ceil(extra) : extra));
}

IndexRange t_index_range(const ScoreOptions& options, int64_t iteration, int64_t train_timesteps) {
  const auto scaled = [&](double share) {
    return static_cast<int64_t>(static_cast<double>(train_timesteps) * share);  // truncated, as Python's int()
  };
  const auto above = [&](double end, double start) {  // how far an end of the range is above where it comes to rest
    return static_cast<int64_t>(static_cast<double>(scaled(start - end)) * warm_up_rate(options, iteration));
  };
  IndexRange range{.low = scaled(options.t_range_low),
                   .high = std::min(scaled(options.t_range_high) + above(options.t_range_high, options.max_t_range),
                                    train_timesteps)};
  if (options.min_t_range > options.t_range_low) {
    // Where both ends meet, as MVDream's do at 0.98, the highest timestep is left.
    range.low = std::min(range.low + above(options.t_range_low, options.min_t_range), range.high - 1);
  }
  if (range.low < 0 || range.high <= range.low) {
    throw UserError(UserMistake{.what_happened = fmt::format("no timestep lies between {} and {} of {}", range.low,
                                                             range.high, train_timesteps),
                                .key = "t_range",
                                .hint = kTRangeRule});
  }
  return range;
}

StepTimes plan_times(const ScoreOptions& options, int64_t iteration, int64_t t_index, int64_t steps_offset) {
  StepTimes times;
  times.delta_t = interval(options, iteration);
  times.t_index = t_index;
  times.s_index = std::max<int64_t>(t_index - times.delta_t, 0);

  const int64_t stride = std::max<int64_t>(options.xs_delta_t > 0 ? options.xs_delta_t : times.delta_t, 1);
  const int64_t strides = options.xs_inv_steps > 0 ? options.xs_inv_steps : (times.s_index + stride - 1) / stride;
  times.start_index = std::max<int64_t>(times.s_index - stride * strides, 0);

  // start, start + stride, ..., s: at least one stride; its length is 0 if the start is s.
  int64_t index = times.start_index;
  times.visited.push_back(index + steps_offset);
  do {
    index = std::min(index + stride, times.s_index);
    times.visited.push_back(index + steps_offset);
  } while (index < times.s_index);
  times.visited.push_back(t_index + steps_offset);
  return times;
}

}  // namespace lucid::distill
