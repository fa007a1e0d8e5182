// SPDX-License-Identifier: Apache-2.0
// The noise schedule's table and the DDIM moves on it.
#include "lucid/diffusion/schedule.h"

#include <algorithm>
#include <cmath>

#include "lucid/diffusion/json_config.h"

namespace lucid::diffusion {

ScheduleConfig ScheduleConfig::from_file(const std::filesystem::path& config_json) {
  const JsonConfig json(config_json);
  ScheduleConfig config;
  config.num_train_timesteps = json.whole("num_train_timesteps", 1000, 1, 1'000'000);
  config.steps_offset = json.whole("steps_offset", 0, 0, 1000);
  config.beta_start = json.get<double>("beta_start", config.beta_start);
  config.beta_end = json.get<double>("beta_end", config.beta_end);
  if (!(config.beta_start > 0 && config.beta_start < config.beta_end && config.beta_end < 1))
    json.refuse("beta_end", "is not above beta_start and below 1");
  config.beta_schedule = json.get<std::string>("beta_schedule", "linear");
  if (config.beta_schedule != "linear" && config.beta_schedule != "scaled_linear") {
    json.refuse("beta_schedule", "is not supported, only linear and scaled_linear are");
  }
  config.set_alpha_to_one =
      json.get<bool>("set_alpha_to_one", json.get<std::string>("_class_name", "") != "PNDMScheduler");
  const std::string prediction = json.get<std::string>("prediction_type", "epsilon");
  if (prediction != "epsilon" && prediction != "v_prediction") {
    json.refuse("prediction_type", "is not supported, only epsilon and v_prediction are");
  }
  config.prediction = prediction == "epsilon" ? Prediction::kEpsilon : Prediction::kV;
  json.must_be("clip_sample", false);  // absent counts as false: Stable Diffusion ships PNDM configs, which never clip
  json.must_be("thresholding", false);
  json.must_be("rescale_betas_zero_snr", false);
  json.must_be("trained_betas", nullptr);
  return config;
}

Schedule::Schedule(const ScheduleConfig& config) : config_(config) {
  const int64_t count = config.num_train_timesteps;
  torch::Tensor betas;  // float32 all along, as the library has it
  if (config.beta_schedule == "scaled_linear") {
    betas = torch::linspace(std::sqrt(config.beta_start), std::sqrt(config.beta_end), count, torch::kFloat32).square();
  } else {
    betas = torch::linspace(config.beta_start, config.beta_end, count, torch::kFloat32);
  }
  alphas_cumprod_ = torch::cumprod(1 - betas, 0);
  const auto values = alphas_cumprod_.accessor<float, 1>();
  for (int64_t t = 0; t < count; ++t) table_.push_back(values[t]);
  final_alpha_ = config.set_alpha_to_one ? 1.0 : table_.front();
}

double Schedule::alpha_bar(int64_t t) const {
  if (t < 0) return final_alpha_;
  return table_[static_cast<size_t>(std::min<int64_t>(t, config_.num_train_timesteps - 1))];
}

std::vector<int64_t> Schedule::timesteps(int64_t steps) const {
  std::vector<int64_t> result = inverse_timesteps(steps);
  std::ranges::reverse(result);
  return result;
}

std::vector<int64_t> Schedule::inverse_timesteps(int64_t steps) const {
  const int64_t ratio = config_.num_train_timesteps / steps;
  std::vector<int64_t> result;
  for (int64_t i = 0; i < steps; ++i) result.push_back(i * ratio + config_.steps_offset);
  return result;
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
  // Equation 16 of the DDIM paper; upward (inversion) the same ratio would be negative, and only its size counts.
  const double variance = eta > 0 ? std::abs((1 - a_next) / (1 - a) * (1 - a / a_next)) : 0;
  const double sigma = eta * std::sqrt(variance);
  const double direction = std::sqrt(std::max(0.0, 1 - a_next - sigma * sigma));
  torch::Tensor next =
      std::sqrt(a_next) * predicted_x0(x, model_output, t) + direction * predicted_epsilon(x, model_output, t);
  if (sigma > 0) next = next + sigma * noise;
  return next;
}

}  // namespace lucid::diffusion
