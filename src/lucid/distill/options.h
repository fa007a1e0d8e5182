// SPDX-License-Identifier: Apache-2.0
// Options of the score distillation losses. Free of libtorch, for the command line.
#pragma once

#include <cstdint>
#include <string>

namespace lucid::distill {

/// Decay factors of the extra prompts' weights (see perpneg_terms()); keys as in the reference's GuidanceParams.
struct PerpNegOptions {
  double negative_w = -2, front_decay_factor = 2, side_decay_factor = 10;
};

/// Options of a score; keys as in the reference's GuidanceParams. Timestep counts refer to the training timesteps.
struct ScoreOptions {
  std::string score = "ism";  // one of kScoreNames (score_table.h)
  double guidance_scale = 7.5, denoise_guidance_scale = 1.0, lambda_guidance = 0.1;
  double t_range_low = 0.02, t_range_high = 0.5, max_t_range = 0.98;
  double min_t_range = 0;  // not in the reference: the lower end at the start of the warm-up; 0: t_range_low
  int64_t warmup_iter = 1500, delta_t = 80, delta_t_start = 100;
  bool annealing_intervals = true;
  int64_t xs_delta_t = 200, xs_inv_steps = 5;  // <= 0: not set; then delta_T and ceil(s / xs_delta_t) are used
  double xs_eta = 0;
  // Not in the reference: eta of adaptive projected guidance, the factor of the guidance's component parallel to the
  // prompt's x_0. 1 = classifier-free guidance.
  double apg_eta = 1;
  bool perpneg = true;
  PerpNegOptions perpneg_options;
  bool fix_noise = false;   // the same noise in every step; without effect on Perp-Neg, as in the reference
  int64_t noise_seed = -1;  // of the noise and the timesteps; -1 = the seed of the run
  // Not in the reference: view guidance, its scale. Adds view_guidance * (view prompt - opposite view's prompt) to the
  // guidance, for timesteps t / T >= view_guidance_t_low, up to iteration view_guidance_until_iter (0: to the end). It
  // separates front from back and left from right; what both views have in common cancels.
  double view_guidance = 0, view_guidance_t_low = 0;
  int64_t view_guidance_until_iter = 0;

  // Options of one score each. Not in the reference; defaults are those of the scores' own code.
  double tsm_gamma = 0.3;        // TSM: 1 is ISM; towards 0 the target's timestep moves from s to t
  int64_t sdi_steps = 10;        // SDI: inversion strides from t = 0 to T
  double sdi_guidance = -7.5;    // SDI: guidance scale of the inversion
  double sdi_eta = 0.3;          // SDI: factor of the noise that each inversion stride adds
  double csd_negative = 1;       // CSD: share of the negative prompt in the reference at the end; the rest is empty
  int64_t csd_steps = 0;         // CSD: steps until that share is reached; 0: warmup_iter
  double asd_shift = 0.1;        // ASD: largest shift of the timestep, as a share of t - t_low
  bool asd_random_shift = true;  // ASD: a uniform share of it; false: all of it
  double recon_rescale = 0.5;    // recon: share of the prediction that takes the deviation without guidance
  double keep = 0;               // scores with a source: weight of the difference of the latents, which holds identity
  double image_guidance_scale = 1.5;  // ip2p: guidance towards the picture of the source

  /// Whether the prompt is an instruction, and the U-Net sees the source: InstructPix2Pix.
  bool instructed() const { return score == "ip2p"; }
};

/// The rule for t_range, max_t_range and min_t_range, fractions of the training timesteps.
inline constexpr const char* kTRangeRule =
    "t_range is [low, high] with 0 <= low < high <= max_t_range <= 1, and min_t_range <= max_t_range";
constexpr bool is_valid_t_range(const ScoreOptions& o) {
  return 0 <= o.t_range_low && o.t_range_low < o.t_range_high && o.t_range_high <= o.max_t_range &&
         o.max_t_range <= 1 && 0 <= o.min_t_range && o.min_t_range <= o.max_t_range;
}

}  // namespace lucid::distill
