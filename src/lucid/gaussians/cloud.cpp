// SPDX-License-Identifier: Apache-2.0
// Activations of the raw parameters and the chain rule through them, written out: there is no tape here.
#include "lucid/gaussians/cloud.h"

#include "lucid/base/error.h"

namespace lucid::gaussians {
namespace {

enum Group { kMeans, kShDc, kShRest, kOpacityLogits, kLogScales, kQuats };  // order of Cloud::parameters

float* floats(const torch::Tensor& tensor, const char* name) {
  LUCID_CHECK(tensor.is_contiguous(), "{} is not contiguous", name);
  return tensor.data_ptr<float>();
}

int64_t coefficients(int degree) { return (degree + 1) * (degree + 1); }

}  // namespace

std::array<torch::Tensor*, Cloud::kGroups> Cloud::parameters() {
  return {&means, &sh_dc, &sh_rest, &opacity_logits, &log_scales, &quats};
}

std::array<const torch::Tensor*, Cloud::kGroups> Cloud::parameters() const {
  return {&means, &sh_dc, &sh_rest, &opacity_logits, &log_scales, &quats};
}

int Cloud::sh_degree() const {
  const int64_t stored = sh_rest.size(1) + 1;
  int degree = 0;
  while (coefficients(degree) < stored) ++degree;
  LUCID_CHECK(coefficients(degree) == stored && degree <= 3, "{} coefficients are no SH degree", stored);
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
                   .degree = degree};
  if (augmentation.scale_factor.defined()) result.scales.mul_(augmentation.scale_factor);
  if (degree > 0) result.sh = torch::cat({cloud.sh_dc, cloud.sh_rest.slice(1, 0, coefficients(degree) - 1)}, 1);
  if (augmentation.sh_noise.defined()) {
    LUCID_CHECK(augmentation.sh_noise.size(1) == coefficients(degree), "SH noise has {} coefficients, degree {}",
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
          .sh = floats(sh, "sh")};
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

void add_chained(const Cloud& cloud, const Activated& activated, const Augmentation& augmentation,
                 const ActivatedGradient& d, CloudGradient& total) {
  const torch::NoGradGuard no_grad;
  LUCID_CHECK(activated.degree == augmentation.active_degree, "activated with degree {}, chained with {}",
              activated.degree, augmentation.active_degree);
  LUCID_CHECK(d.means.size(0) == cloud.count(), "gradient of {} rows, cloud of {}", d.means.size(0), cloud.count());
  total.raw[kMeans].add_(d.means);
  total.raw[kQuats].add_(d.quats);
  // scale = exp(log) * factor, so d scale / d log = scale, the augmented one.
  total.raw[kLogScales].addcmul_(d.scales, activated.scales);
  // sigmoid' = o (1 - o) = o - o^2.
  const torch::Tensor slope = torch::addcmul(activated.opacities, activated.opacities, activated.opacities, -1);
  total.raw[kOpacityLogits].squeeze(1).addcmul_(d.opacities, slope);
  total.raw[kShDc].add_(d.sh.slice(1, 0, 1));
  if (const int64_t higher = d.sh.size(1) - 1; higher > 0) {
    total.raw[kShRest].slice(1, 0, higher).add_(d.sh.slice(1, 1));
  }
  total.means2d_ndc = d.means2d_ndc;
}

}  // namespace lucid::gaussians
