// SPDX-License-Identifier: Apache-2.0
// CloudArrays: a cloud on the CPU as plain float arrays, as the file formats read and write it. Also the conversions
// between stored parameters (logit, logarithm) and linear values that the formats share.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "lucid/gaussians/cloud.h"

namespace lucid::asset {

/// The hint where a file cannot be opened at all.
inline constexpr const char* kExpectedGaussians = "a file of Gaussians was expected";

/// Pointers into the tensors of a cloud, which must outlive them.
struct CloudArrays {
  int64_t count = 0;            // N
  int64_t rest = 0;             // K, SH coefficients of degree 1 and more
  float* means = nullptr;       // [N,3]
  float* dc = nullptr;          // [N,3]
  float* sh_rest = nullptr;     // [N,K,3]
  float* logits = nullptr;      // [N]
  float* log_scales = nullptr;  // [N,3]
  float* quats = nullptr;       // [N,4] w,x,y,z
};

/// The cloud's tensors must be float32, contiguous and on the CPU: those of new_cloud() and on_cpu() are.
inline CloudArrays arrays_of(const gaussians::Cloud& cloud) {
  const auto data = [](const torch::Tensor& x) { return x.data_ptr<float>(); };
  return {.count = cloud.count(),
          .rest = cloud.sh_rest.size(1),
          .means = data(cloud.means),
          .dc = data(cloud.sh_dc),
          .sh_rest = data(cloud.sh_rest),
          .logits = data(cloud.opacity_logits),
          .log_scales = data(cloud.log_scales),
          .quats = data(cloud.quats)};
}

/// An uninitialised cloud of `count` Gaussians with `rest` SH coefficients of degree 1 and more.
inline gaussians::Cloud new_cloud(int64_t count, int64_t rest) {
  return {.means = torch::empty({count, 3}),
          .sh_dc = torch::empty({count, 1, 3}),
          .sh_rest = torch::empty({count, rest, 3}),
          .opacity_logits = torch::empty({count, 1}),
          .log_scales = torch::empty({count, 3}),
          .quats = torch::empty({count, 4})};
}

/// The cloud as contiguous float32 tensors on the CPU, with its 3D filter applied. Tensors that are so already are
/// shared.
inline gaussians::Cloud on_cpu(const gaussians::Cloud& cloud) {
  gaussians::Cloud result = gaussians::smoothed(cloud);
  for (torch::Tensor* parameter : result.parameters()) {
    *parameter = parameter->detach().cpu().to(torch::kFloat32).contiguous();
  }
  return result;
}

/// Logits of opacities 0 and 1 would be infinite. sigmoid(13.8) = 1 - 1e-6.
inline constexpr double kLargestLogit = 13.8;
inline float logit_of(double opacity) {
  if (!(opacity > 0)) return static_cast<float>(-kLargestLogit);
  if (!(opacity < 1)) return static_cast<float>(kLargestLogit);
  return static_cast<float>(std::clamp(std::log(opacity / (1 - opacity)), -kLargestLogit, kLargestLogit));
}
inline double opacity_of(float logit) { return 1 / (1 + std::exp(-static_cast<double>(logit))); }

/// A scale of 0 becomes the smallest normal float, because its logarithm would be infinite.
inline float log_scale_of(double scale) {
  return static_cast<float>(std::log(std::max(scale, static_cast<double>(std::numeric_limits<float>::min()))));
}
/// Logarithms beyond 88 are limited: exp(88) = 1.6e38 is finite in float32.
inline float scale_of(float log_scale) { return static_cast<float>(std::exp(std::min(log_scale, 88.0f))); }

/// The nearest integer to x in [0, 255].
inline uint8_t to_byte(double x) { return static_cast<uint8_t>(std::clamp(std::round(x), 0.0, 255.0)); }

/// q / |q| of a quaternion w,x,y,z in double; a zero quaternion gives the identity, as in the rasteriser.
inline std::array<double, 4> unit_quat(const float* q) {
  double squared = 0;
  for (int i = 0; i < 4; ++i) squared += static_cast<double>(q[i]) * q[i];
  if (!(squared > 0)) return {1, 0, 0, 0};
  const double s = 1 / std::sqrt(squared);
  return {s * q[0], s * q[1], s * q[2], s * q[3]};
}

}  // namespace lucid::asset
