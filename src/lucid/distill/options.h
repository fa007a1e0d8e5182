// SPDX-License-Identifier: Apache-2.0
// The options of a score, and the names of the scores. No libtorch: the command line reads them as well.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace lucid::distill {

inline constexpr std::array kScoreNames = {"ism", "sds"};

struct PerpNegOptions {
  double negative_w = -2, front_decay_factor = 2, side_decay_factor = 10;
};

/// Keys as in the reference's GuidanceParams.
struct ScoreOptions {
  std::string score = "ism";  // one of kScoreNames
  double guidance_scale = 7.5, denoise_guidance_scale = 1.0, lambda_guidance = 0.1;
  double t_range_low = 0.02, t_range_high = 0.5, max_t_range = 0.98;
  int64_t warmup_iter = 1500, delta_t = 80, delta_t_start = 100;
  bool annealing_intervals = true;
  int64_t xs_delta_t = 200, xs_inv_steps = 5;  // <= 0 means null: delta_T, ceil(s / xs_delta_t)
  double xs_eta = 0;
  // Ours: the share that is kept of what guidance adds along the prompt's own x_0. 1 = classifier-free guidance, 0 =
  // adaptive projected guidance.
  double apg_eta = 1;
  bool perpneg = true;
  PerpNegOptions perpneg_options;
  // Ours: classifier-free guidance from the prompt of the opposite view to the view's own, on timesteps from this
  // fraction up, to this iteration (0: to the last). It tells back from front, and left from right, and keeps what both
  // views share.
  double view_guidance = 0, view_guidance_t_low = 0;
  int64_t view_guidance_until_iter = 0;
};

}  // namespace lucid::distill
