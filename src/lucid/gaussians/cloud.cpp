// SPDX-License-Identifier: Apache-2.0
// Activations of the Gaussians' parameters and their chain rule, written out by hand instead of by autograd.
#include "lucid/gaussians/cloud.h"

#include "lucid/base/error.h"
#include "lucid/math/sh.h"

namespace lucid::gaussians {
namespace {

template <class Self, class Tensor>
std::array<Tensor*, Cloud::kGroups> by_group(Self& cloud) {
  std::array<Tensor*, Cloud::kGroups> result;
  result[Cloud::kMeans] = &cloud.means;
  result[Cloud::kShDc] = &cloud.sh_dc;
  result[Cloud::kShRest] = &cloud.sh_rest;
  result[Cloud::kOpacityLogits] = &cloud.opacity_logits;
  result[Cloud::kLogScales] = &cloud.log_scales;
  result[Cloud::kQuats] = &cloud.quats;
  return result;
}

float* floats(const torch::Tensor& tensor, const char* name) {
  LUCID_CHECK(tensor.is_contiguous(), "{} is not contiguous", name);
  return tensor.data_ptr<float>();
}

/// [N,3] scales and [N,1] filter -> [N,3] scales of the convolution of the two Gaussians.
torch::Tensor filtered(const torch::Tensor& scales, const torch::Tensor& filter) {
  return (scales.square() + filter.square()).sqrt_();
}

/// [N]: the ratio of the volumes before and after the filter.
torch::Tensor volume_ratio(const torch::Tensor& before, const torch::Tensor& after) { return (before / after).prod(1); }

}  // namespace

std::array<torch::Tensor*, Cloud::kGroups> Cloud::parameters() { return by_group<Cloud, torch::Tensor>(*this); }

std::array<const torch::Tensor*, Cloud::kGroups> Cloud::parameters() const {
  return by_group<const Cloud, const torch::Tensor>(*this);
}

int Cloud::sh_degree() const {
  const int64_t stored = sh_rest.size(1) + 1;
  int degree = 0;
  while (sh_count(degree) < stored) ++degree;
  LUCID_CHECK(sh_count(degree) == stored && degree <= kMaxShDegree, "{} coefficients are no SH degree", stored);
  return degree;
}

Activated activate(const Cloud& cloud, const Augmentation& augmentation) {
  const torch::NoGradGuard no_grad;
  const int degree = augmentation.active_degree;
  LUCID_CHECK(degree >= 0 && degree <= cloud.sh_degree(), "SH degree {} of {}", degree, cloud.sh_degree());
  Activated result{.means = cloud.means,
                   .scales = cloud.log_scales.exp(),
                   .quats = cloud.quats,
                   .opacities = cloud.opacity_logits.sigmoid().squeeze(1),
                   .sh = cloud.sh_dc,
                   .degree = degree,
                   .screen_filter = cloud.screen_filter};
  if (augmentation.scale_factor.defined()) result.scales.mul_(augmentation.scale_factor);
  if (cloud.filter_3d.defined()) {
    LUCID_CHECK(cloud.filter_3d.size(0) == cloud.count(), "3D filter of {} Gaussians for {}", cloud.filter_3d.size(0),
                cloud.count());
    const torch::Tensor before = result.scales;
    result.scales = filtered(before, cloud.filter_3d);
    result.opacities.mul_(volume_ratio(before, result.scales));
  }
  if (degree > 0) result.sh = torch::cat({cloud.sh_dc, cloud.sh_rest.slice(1, 0, sh_count(degree) - 1)}, 1);
  if (augmentation.sh_noise.defined()) {
    LUCID_CHECK(augmentation.sh_noise.size(1) == sh_count(degree), "SH noise has {} coefficients, degree {}",
                augmentation.sh_noise.size(1), degree);
    result.sh = result.sh + augmentation.sh_noise;
  }
  return result;
}

render::CloudView<float> Activated::view() const {
  return {.count = means.size(0),
          .sh_degree = degree,
          .means = floats(means, "means"),
          .scales = floats(scales, "scales"),
          .quats = floats(quats, "quats"),
          .opacities = floats(opacities, "opacities"),
          .sh = floats(sh, "sh"),
          .filter = screen_filter};
}

Cloud smoothed(const Cloud& cloud) {
  Cloud result = cloud;
  if (!cloud.filter_3d.defined()) return result;
  const torch::NoGradGuard no_grad;
  const Activated activated = activate(cloud);
  // Bounds within which the logit of a float32 opacity is finite; 1e-7 is invisible.
  const torch::Tensor opacity = activated.opacities.clamp(1e-7, 1 - 1e-7).unsqueeze(1);
  result.log_scales = activated.scales.log();
  result.opacity_logits = torch::logit(opacity);
  result.filter_3d = torch::Tensor();
  return result;
}

CloudGradient CloudGradient::zeros_like(const Cloud& cloud) {
  CloudGradient result;
  const auto parameters = cloud.parameters();
  for (int g = 0; g < Cloud::kGroups; ++g) result.raw[g] = torch::zeros_like(*parameters[g]);
  result.means2d_ndc = torch::zeros({cloud.count(), 2}, cloud.means.options());
  return result;
}

ActivatedGradient ActivatedGradient::like(const Activated& activated) {
  return {.means = torch::empty_like(activated.means),
          .scales = torch::empty_like(activated.scales),
          .quats = torch::empty_like(activated.quats),
          .opacities = torch::empty_like(activated.opacities),
          .sh = torch::empty_like(activated.sh),
          .means2d_ndc = torch::empty({activated.means.size(0), 2}, activated.means.options())};
}

render::CloudGradients<float> ActivatedGradient::view() const {
  return {.means = floats(means, "d_means"),
          .scales = floats(scales, "d_scales"),
          .quats = floats(quats, "d_quats"),
          .opacities = floats(opacities, "d_opacities"),
          .sh = floats(sh, "d_sh"),
          .means2d_ndc = floats(means2d_ndc, "d_means2d_ndc")};
}

namespace {

/// The part of activate_backward() for scales and opacities behind the 3D filter. With s = exp(log_scale) * factor,
/// S = sqrt(s^2 + f^2), o = sigmoid(logit) and O = o * prod(s / S):
///   dS / d log_scale = s^2 / S,   dO / d log_scale = O f^2 / S^2,   dO / d logit = O (1 - o).
void chain_filtered(const Cloud& cloud, const Activated& activated, const Augmentation& augmentation,
                    const ActivatedGradient& d, CloudGradient& total) {
  const torch::Tensor squares = activated.scales.square();                           // [N,3] S^2
  const torch::Tensor filter_share = cloud.filter_3d.square() / squares;             // [N,3] f^2 / S^2
  const torch::Tensor d_opacity = (d.opacities * activated.opacities).unsqueeze(1);  // [N,1] dL/dO * O
  torch::Tensor scales = cloud.log_scales.exp();
  if (augmentation.scale_factor.defined()) scales.mul_(augmentation.scale_factor);
  total.raw[Cloud::kLogScales].add_(d.scales * scales.square() / activated.scales + d_opacity * filter_share);
  total.raw[Cloud::kOpacityLogits].addcmul_(d_opacity, 1 - cloud.opacity_logits.sigmoid());
}

}  // namespace

void activate_backward(const Cloud& cloud, const Activated& activated, const Augmentation& augmentation,
                       const ActivatedGradient& d, CloudGradient& total) {
  const torch::NoGradGuard no_grad;
  LUCID_CHECK(activated.degree == augmentation.active_degree, "activated with degree {}, chained with {}",
              activated.degree, augmentation.active_degree);
  LUCID_CHECK(d.means.size(0) == cloud.count(), "gradient of {} rows, cloud of {}", d.means.size(0), cloud.count());
  total.raw[Cloud::kMeans].add_(d.means);
  total.raw[Cloud::kQuats].add_(d.quats);
  if (cloud.filter_3d.defined()) {
    chain_filtered(cloud, activated, augmentation, d, total);
  } else {
    // scale = exp(log_scale) * factor, so d scale / d log_scale = scale, including the factor.
    total.raw[Cloud::kLogScales].addcmul_(d.scales, activated.scales);
    // sigmoid' = o (1 - o) = o - o^2 with o = opacity.
    const torch::Tensor slope = torch::addcmul(activated.opacities, activated.opacities, activated.opacities, -1);
    total.raw[Cloud::kOpacityLogits].squeeze(1).addcmul_(d.opacities, slope);
  }
  total.raw[Cloud::kShDc].add_(d.sh.slice(1, 0, 1));
  if (const int64_t higher = d.sh.size(1) - 1; higher > 0) {
    total.raw[Cloud::kShRest].slice(1, 0, higher).add_(d.sh.slice(1, 1));
  }
  total.means2d_ndc = d.means2d_ndc;
}

}  // namespace lucid::gaussians
