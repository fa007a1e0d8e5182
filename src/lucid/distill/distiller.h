// SPDX-License-Identifier: Apache-2.0
// Distiller: interface of the score distillation losses (score_table.h lists them). Latents of rendered images and a
// prompt give dL/dlatents. This folder knows images, not Gaussians.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lucid/diffusion/denoiser.h"
#include "lucid/diffusion/schedule.h"
#include "lucid/distill/options.h"
#include "lucid/text_to_image/view_prompts.h"

namespace lucid::distill {

/// Source of standard normal noise, float32: the run's random streams, or a test's recording.
struct NoiseSource {
  std::function<torch::Tensor(at::IntArrayRef)> base;    // [B,C,h,w]
  std::function<torch::Tensor(at::IntArrayRef)> offset;  // [1,C,1,1]
  std::function<torch::Tensor(at::IntArrayRef)> eta;     // [B,C,h,w], one draw per inversion stride that adds noise
  std::function<double()> uniform = {};                  // uniform in [0,1), one draw a step: shift of SDI and ASD
};

/// The timesteps of one training step. An index counts from 0; its timestep is index + steps_offset.
struct StepTimes {
  int64_t delta_t = 0, t_index = 0, s_index = 0, start_index = 0;  // s = t - delta_T; the inversion begins at start
  std::vector<int64_t> visited;                                    // timesteps start ... s, t, ascending
  int64_t t() const { return visited.back(); }
};
struct IndexRange {
  int64_t low = 0, high = 0;  // [low, high)
};
/// 1 at iteration 0, falling linearly to 0 at warmup_iter.
double warm_up_rate(const ScoreOptions& options, int64_t iteration);
/// delta_T of the iteration: from delta_t_start down to delta_t with the warm-up, or delta_t without annealing.
int64_t interval(const ScoreOptions& options, int64_t iteration);
/// The range from which t's index is drawn. With the warm-up its upper end falls from max_t_range to t_range_high, and
/// its lower end from min_t_range, where that is higher, to t_range_low. Throws UserError if the range is empty.
IndexRange t_index_range(const ScoreOptions& options, int64_t iteration, int64_t train_timesteps);
/// delta_T, s, the start and the inversion's strides for an index t.
StepTimes plan_times(const ScoreOptions& options, int64_t iteration, int64_t t_index, int64_t steps_offset);

struct ScoreInput {
  torch::Tensor latents;  // [B,C,h,w], no gradient
  const text_to_image::ViewPrompts* prompts = nullptr;
  std::vector<text_to_image::Direction> views;  // [B]
  int64_t iteration = 1, t_index = 0;
  /// For scores with a source: the latents of the untouched asset in the same views, and its prompts.
  torch::Tensor source_latents = {};  // [B,C,h,w]
  const text_to_image::ViewPrompts* source_prompts = nullptr;
  /// For ip2p: the same views of the source, as the means of the VAE's posterior, without its scaling factor.
  torch::Tensor picture = {};  // [B,C,h,w]
};
struct ScoreOutput {
  torch::Tensor d_latents;   // [B,C,h,w], dL/dlatents
  torch::Tensor unreplaced;  // the same before nan_to_num; undefined: the same
  StepTimes times;
  torch::Tensor x0_uncond, x0_guided;  // [B,C,h,w], for the contact sheet; set if `want_sheet`
  // Intermediate values, named as in the golden files; set if `want_trace`.
  struct Trace {
    torch::Tensor x_start, x_s, x_t, eps_s, eps, delta, eps_guided;
    std::vector<torch::Tensor> traj_eps;
    torch::Tensor x_mu = {}, eps_mu = {};            // of TSM
    torch::Tensor eps_target = {}, eps_source = {};  // guided, of scores with a source
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
