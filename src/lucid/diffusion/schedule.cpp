// SPDX-License-Identifier: Apache-2.0
// Schedule: reading of scheduler_config.json, the table of alpha_bar, DDIM steps.
#include "lucid/diffusion/schedule.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "lucid/base/error.h"
#include "lucid/json/json_config.h"

namespace lucid::diffusion {
namespace {

/// Samplers whose configs name the noise schedule that a model was trained with; how they sample does not matter here.
/// SDXL's files have the first.
constexpr std::array<std::string_view, 3> kSamplers = {"EulerDiscreteScheduler", "EulerAncestralDiscreteScheduler",
                                                       "DPMSolverMultistepScheduler"};

Prediction read_prediction(const JsonConfig& json) {
  const std::string name = json.text("prediction_type", "epsilon");
  if (name == "epsilon") return Prediction::kEpsilon;
  if (name == "v_prediction") return Prediction::kV;
  json.refuse("prediction_type", "is not supported: only epsilon and v_prediction are");
}

// [T] float32, by diffusers' float32 operations in its order.
torch::Tensor cumulative_alphas(const ScheduleConfig& config) {
  const auto float32 = torch::TensorOptions(torch::kFloat);
  const int64_t count = config.num_train_timesteps;
  const torch::Tensor betas =
      config.beta_schedule == "linear"
          ? torch::linspace(config.beta_start, config.beta_end, count, float32)
          : torch::linspace(std::sqrt(config.beta_start), std::sqrt(config.beta_end), count, float32).square();
  return torch::cumprod(1 - betas, 0);
}

}  // namespace

ScheduleConfig ScheduleConfig::from_file(const std::filesystem::path& config_json) {
  const JsonConfig json(config_json);
  const std::string class_name = json.text("_class_name", "DDIMScheduler");
  const bool ddim = class_name == "DDIMScheduler" || class_name == "PNDMScheduler";
  const bool sampler = std::ranges::find(kSamplers, class_name) != kSamplers.end();
  if (!ddim && !sampler) {
    json.refuse("_class_name",
                fmt::format("is not supported: only DDIMScheduler, PNDMScheduler, {} are", fmt::join(kSamplers, ", ")),
                "the scheduler_config.json of Stable Diffusion itself fits its fine-tuned descendants");
  }
  json.none_of({"trained_betas"});
  json.only("clip_sample", false);  // absent means no clipping here, though DDIM's own default is to clip
  json.only("thresholding", false);
  json.only("rescale_betas_zero_snr", false);
  if (ddim) json.only("timestep_spacing", "leading");
  ScheduleConfig config;
  config.num_train_timesteps = json.positive("num_train_timesteps", config.num_train_timesteps);
  config.steps_offset = json.integer("steps_offset", config.steps_offset);
  if (config.steps_offset < 0) json.refuse("steps_offset", "must not be negative");
  config.beta_start = json.number("beta_start", config.beta_start);
  config.beta_end = json.number("beta_end", config.beta_end);
  if (config.beta_start <= 0 || config.beta_start >= 1) json.refuse("beta_start", "must lie between 0 and 1");
  if (config.beta_end <= 0 || config.beta_end >= 1) json.refuse("beta_end", "must lie between 0 and 1");
  config.beta_schedule = json.text("beta_schedule", config.beta_schedule);
  if (config.beta_schedule != "linear" && config.beta_schedule != "scaled_linear") {
    json.refuse("beta_schedule", "is not supported: only linear and scaled_linear are");
  }
  config.set_alpha_to_one = json.boolean("set_alpha_to_one", ddim && config.set_alpha_to_one);
  config.prediction = read_prediction(json);
  return config;
}

Schedule::Schedule(const ScheduleConfig& config) : config_(config), alphas_cumprod_(cumulative_alphas(config)) {
  const float* values = alphas_cumprod_.data_ptr<float>();
  table_.assign(values, values + alphas_cumprod_.numel());
  final_alpha_ = config.set_alpha_to_one ? 1 : table_.front();
}

double Schedule::alpha_bar(int64_t t) const {
  if (t < 0) return final_alpha_;
  return table_[std::min(static_cast<size_t>(t), table_.size() - 1)];
}

double Schedule::beta(int64_t t) const {
  const double share = static_cast<double>(t) / static_cast<double>(config_.num_train_timesteps - 1);
  if (config_.beta_schedule == "linear") return config_.beta_start + share * (config_.beta_end - config_.beta_start);
  const double low = std::sqrt(config_.beta_start), high = std::sqrt(config_.beta_end);
  return std::pow(low + share * (high - low), 2);
}

std::vector<int64_t> Schedule::inverse_timesteps(int64_t steps) const {
  LUCID_CHECK(steps > 0 && steps <= config_.num_train_timesteps, "{} steps", steps);
  const int64_t stride = config_.num_train_timesteps / steps;
  std::vector<int64_t> result;
  for (int64_t i = 0; i < steps; ++i) result.push_back(i * stride + config_.steps_offset);
  return result;
}

std::vector<int64_t> Schedule::timesteps(int64_t steps) const {
  const std::vector<int64_t> ascending = inverse_timesteps(steps);
  return {ascending.rbegin(), ascending.rend()};
}

torch::Tensor Schedule::add_noise(const torch::Tensor& x0, const torch::Tensor& noise, int64_t t) const {
  const double a = alpha_bar(t);
  return std::sqrt(a) * x0 + std::sqrt(1 - a) * noise;
}

torch::Tensor Schedule::predicted_x0(const torch::Tensor& x, const torch::Tensor& model_output, int64_t t) const {
  const double a = alpha_bar(t);
  if (config_.prediction == Prediction::kV) return std::sqrt(a) * x - std::sqrt(1 - a) * model_output;
  return (x - std::sqrt(1 - a) * model_output) / std::sqrt(a);
}

torch::Tensor Schedule::predicted_epsilon(const torch::Tensor& x, const torch::Tensor& model_output, int64_t t) const {
  if (config_.prediction == Prediction::kEpsilon) return model_output;
  const double a = alpha_bar(t);
  return std::sqrt(a) * model_output + std::sqrt(1 - a) * x;
}

torch::Tensor Schedule::ddim_step(const torch::Tensor& x, const torch::Tensor& model_output, int64_t t, int64_t t_next,
                                  double eta, const torch::Tensor& noise) const {
  const double a = alpha_bar(t), a_next = alpha_bar(t_next);
  const torch::Tensor x0 = predicted_x0(x, model_output, t);
  const torch::Tensor epsilon = predicted_epsilon(x, model_output, t);
  if (eta == 0) return std::sqrt(a_next) * x0 + std::sqrt(1 - a_next) * epsilon;
  LUCID_CHECK(a_next >= a && noise.defined(), "t {} to {}: eta > 0 is for denoising steps only, and needs noise", t,
              t_next);
  const double variance = eta * eta * (1 - a_next) / (1 - a) * (1 - a / a_next);
  return std::sqrt(a_next) * x0 + std::sqrt(1 - a_next - variance) * epsilon + std::sqrt(variance) * noise;
}

}  // namespace lucid::diffusion
