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
#include "lucid/distill/options.h"
#include "lucid/text_to_image/view_prompts.h"

namespace lucid::distill {

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
