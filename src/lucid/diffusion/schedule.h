// SPDX-License-Identifier: Apache-2.0
// The noise schedule and DDIM (Song et al. 2021) in both directions, as diffusers' DDIMScheduler and
// DDIMInverseScheduler.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <string>
#include <vector>

namespace lucid::diffusion {

enum class Prediction { kEpsilon, kV };

struct ScheduleConfig {
  int64_t num_train_timesteps = 1000, steps_offset = 0;
  double beta_start = 0.0001, beta_end = 0.02;
  std::string beta_schedule = "linear";  // linear, scaled_linear
  bool set_alpha_to_one = true;
  Prediction prediction = Prediction::kEpsilon;
  /// Reads a DDIM or PNDM scheduler_config.json; a config without clip_sample does not clip. Throws UserError.
  static ScheduleConfig from_file(const std::filesystem::path& config_json);
};

class Schedule {
 public:
  explicit Schedule(const ScheduleConfig& config);
  const ScheduleConfig& config() const { return config_; }
  /// cumulative product of 1-beta at timestep t, computed as the library does (float32), held as double. t is clamped
  /// to the table's end (set_timesteps with an offset reaches 1000); t < 0 gives the final alpha.
  double alpha_bar(int64_t t) const;
  const torch::Tensor& alphas_cumprod() const { return alphas_cumprod_; }  // [T] float32

  std::vector<int64_t> timesteps(int64_t steps) const;          // descending, "leading" spacing, offset added
  std::vector<int64_t> inverse_timesteps(int64_t steps) const;  // ascending

  /// sqrt(a_t) x0 + sqrt(1-a_t) noise.
  torch::Tensor add_noise(const torch::Tensor& x0, const torch::Tensor& noise, int64_t t) const;
  /// x0 and epsilon that a raw model output at (x, t) stands for, under this schedule's prediction type.
  torch::Tensor predicted_x0(const torch::Tensor& x, const torch::Tensor& model_output, int64_t t) const;
  torch::Tensor predicted_epsilon(const torch::Tensor& x, const torch::Tensor& model_output, int64_t t) const;
  /// One DDIM move from timestep t to t_next, up or down; eta > 0 needs noise and is for moves down only.
  torch::Tensor ddim_step(const torch::Tensor& x, const torch::Tensor& model_output, int64_t t, int64_t t_next,
                          double eta = 0, const torch::Tensor& noise = {}) const;

 private:
  ScheduleConfig config_;
  torch::Tensor alphas_cumprod_;
  std::vector<double> table_;
  double final_alpha_ = 1;
};

}  // namespace lucid::diffusion
