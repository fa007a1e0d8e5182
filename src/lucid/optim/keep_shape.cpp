// SPDX-License-Identifier: Apache-2.0
// Holds geometry by an implicit step of a quadratic penalty, and follows the rows through densification.
#include "lucid/optim/keep_shape.h"

#include "lucid/base/error.h"

namespace lucid::optim {

using gaussians::Cloud;

KeptShape KeptShape::of(const Cloud& cloud) {
  return {.means = cloud.means.clone(),
          .opacity_logits = cloud.opacity_logits.clone(),
          .log_scales = cloud.log_scales.clone(),
          .quats = cloud.quats.clone()};
}

std::array<std::pair<Cloud::Group, torch::Tensor*>, 4> KeptShape::groups() {
  return {{{Cloud::kMeans, &means},
           {Cloud::kOpacityLogits, &opacity_logits},
           {Cloud::kLogScales, &log_scales},
           {Cloud::kQuats, &quats}}};
}

void draw_back(Cloud& cloud, KeptShape& kept, double weight) {
  const torch::NoGradGuard no_grad;
  LUCID_CHECK(kept.means.size(0) == cloud.count(), "{} held rows for {} Gaussians", kept.means.size(0), cloud.count());
  for (const auto& [group, start] : kept.groups()) cloud.parameters()[group]->lerp_(*start, weight / (1 + weight));
}

void follow_rows(KeptShape& kept, Cloud& cloud, const torch::Tensor& source) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor is_new = (source < 0).unsqueeze(1), from = source.clamp_min(0);
  for (const auto& [group, start] : kept.groups())
    *start = torch::where(is_new, *cloud.parameters()[group], start->index_select(0, from));
}

}  // namespace lucid::optim
