// SPDX-License-Identifier: Apache-2.0
// A score: from latents of rendered pictures to dL/dlatents. It knows pictures and prompts, nothing of Gaussians.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lucid/diffusion/denoiser.h"
#include "lucid/diffusion/schedule.h"
#include "lucid/distill/perp_neg.h"

namespace lucid::distill {

/// Keys as in the reference's GuidanceParams.
struct ScoreOptions {
  std::string score = "ism";  // one of score_names()
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

/// Where noise comes from: the run's rng streams, or a test's recording. All tensors float32.
struct NoiseSource {
  std::function<torch::Tensor(at::IntArrayRef)> base;    // standard normal, [B,C,h,w]
  std::function<torch::Tensor(at::IntArrayRef)> offset;  // standard normal, [1,C,1,1]
  std::function<torch::Tensor(at::IntArrayRef)> eta;     // one draw per stride with xs_eta > 0
};

/// The index t of a step and all that follows from it (spec section 1, 2-5).
struct StepTimes {
  int64_t delta_t = 0, t_index = 0, s_index = 0, start_index = 0;
  std::vector<int64_t> visited;  // timesteps start ... s, t (index + steps_offset)
  int64_t t() const { return visited.back(); }
};
struct IndexRange {
  int64_t low = 0, high = 0;  // high exclusive
};
double warm_up_rate(const ScoreOptions& options, int64_t iteration);
int64_t interval(const ScoreOptions& options, int64_t iteration);  // delta_T
IndexRange t_index_range(const ScoreOptions& options, int64_t iteration, int64_t train_timesteps);
StepTimes plan_times(const ScoreOptions& options, int64_t iteration, int64_t t_index, int64_t steps_offset);

struct ScoreInput {
  torch::Tensor latents;  // [B,C,h,w], no gradient
  const text_to_image::ViewPrompts* prompts = nullptr;
  std::vector<text_to_image::Direction> views;  // [B]
  int64_t iteration = 1, t_index = 0;
};
struct ScoreOutput {
  torch::Tensor d_latents;  // [B,C,h,w] = dL/dlatents
  StepTimes times;
  torch::Tensor x0_uncond, x0_guided;  // for the contact sheet; filled when `want_sheet`
  // Intermediate values, as named in the goldens; filled when `want_trace`.
  struct Trace {
    torch::Tensor x_start, x_s, x_t, eps_s, eps, delta, eps_guided;
    std::vector<torch::Tensor> traj_eps;
  } trace;
};

class Distiller {
 public:
  virtual ~Distiller() = default;
  virtual ScoreOutput score(diffusion::Denoiser& unet, const diffusion::Schedule& schedule, const ScoreInput& input,
                            NoiseSource& noise) const = 0;
  bool want_sheet = false, want_trace = false;
};

const std::vector<std::string>& score_names();  // the registry; tests iterate it
std::unique_ptr<Distiller> make_distiller(const ScoreOptions& options);

}  // namespace lucid::distill
