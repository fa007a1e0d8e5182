// SPDX-License-Identifier: Apache-2.0
// Selection of Gaussians, and of those that are not air.
#include "lucid/asset/splats/clean_cloud.h"

#include "lucid/asset/splats/arrays.h"

namespace lucid::asset {

gaussians::Cloud selected(const gaussians::Cloud& cloud, const torch::Tensor& indices) {
  gaussians::Cloud result = cloud;
  for (torch::Tensor* parameter : result.parameters()) *parameter = parameter->index_select(0, indices).contiguous();
  if (cloud.filter_3d.defined()) result.filter_3d = cloud.filter_3d.index_select(0, indices).contiguous();
  return result;
}

torch::Tensor clean_indices(const gaussians::Cloud& cloud, const mesh::AirRules& rules) {
  const torch::NoGradGuard no_grad;
  const gaussians::Cloud here = on_cpu(cloud);
  const gaussians::Activated active = gaussians::activate(here);
  return torch::tensor(mesh::without_air(active.view(), rules), torch::kLong).to(cloud.means.device());
}

}  // namespace lucid::asset
