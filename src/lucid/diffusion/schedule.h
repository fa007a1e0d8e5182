// SPDX-License-Identifier: Apache-2.0
// Schedule: the noise schedule and DDIM steps (Song et al. 2021) in both directions, as in diffusers' DDIMScheduler and
// DDIMInverseScheduler.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <string>
#include <vector>

namespace lucid::diffusion {

/// What the network's output means: the noise, or v = sqrt(a) noise - sqrt(1-a) x0 (Salimans and Ho 2022).
enum class Prediction { kEpsilon, kV };

struct ScheduleConfig {
  int64_t num_train_timesteps = 1000, steps_offset = 0;
  double beta_start = 0.0001, beta_end = 0.02;
  std::string beta_schedule = "linear";  // or scaled_linear: linear in sqrt(beta)
  bool set_alpha_to_one = true;          // alpha_bar(t < 0) is 1; false: alpha_bar(0)
  Prediction prediction = Prediction::kEpsilon;
  /// Reads the scheduler_config.json of a DDIMScheduler or PNDMScheduler. Absent keys take diffusers' defaults, but an
  /// absent clip_sample means false. Throws UserError on what is not supported.
  static ScheduleConfig from_file(const std::filesystem::path& config_json);
};

/// a_t below is alpha_bar(t).
class Schedule {
 public:
  explicit Schedule(const ScheduleConfig& config);
  const ScheduleConfig& config() const { return config_; }
  /// Cumulative product of 1 - beta up to timestep t, computed in float32 as diffusers does. t is clamped to the end of
  /// the table, since timesteps() with an offset may give 1000. For t < 0: see set_alpha_to_one.
  double alpha_bar(int64_t t) const;
  /// The variance that step t of the forward process adds, 1 - a_t / a_(t-1), without the rounding of that ratio.
  double beta(int64_t t) const;
  const torch::Tensor& alphas_cumprod() const { return alphas_cumprod_; }  // [T] float32

  /// The timesteps of so many DDIM steps, with "leading" spacing and steps_offset added: descending, and ascending for
  /// the inversion.
  std::vector<int64_t> timesteps(int64_t steps) const;
  std::vector<int64_t> inverse_timesteps(int64_t steps) const;

  /// sqrt(a_t) x0 + sqrt(1-a_t) noise.
  torch::Tensor add_noise(const torch::Tensor& x0, const torch::Tensor& noise, int64_t t) const;
  /// The x0 and the noise that a model's output at (x, t) implies under this schedule's Prediction.
  torch::Tensor predicted_x0(const torch::Tensor& x, const torch::Tensor& model_output, int64_t t) const;
  torch::Tensor predicted_epsilon(const torch::Tensor& x, const torch::Tensor& model_output, int64_t t) const;
  /// One DDIM step from timestep t to t_next, denoising (t_next < t) or inverting (t_next > t). eta > 0 adds noise; it
  /// is for denoising only (equation 16 of the paper).
  torch::Tensor ddim_step(const torch::Tensor& x, const torch::Tensor& model_output, int64_t t, int64_t t_next,
                          double eta = 0, const torch::Tensor& noise = {}) const;

 private:
  ScheduleConfig config_;
  torch::Tensor alphas_cumprod_;
  std::vector<double> table_;  // alphas_cumprod_
  double final_alpha_ = 1;
};

}  // namespace lucid::diffusion
