// SPDX-License-Identifier: Apache-2.0
// The training state's tensors by name (cloud.*, adam.m.*, adam.v.*, stats.*), and its initial value.
#include "lucid/train/model.h"

namespace lucid::train {

using gaussians::Cloud;

void for_each_tensor(Model& model, const std::function<void(const std::string& name, torch::Tensor& tensor)>& visit) {
  const auto parameters = model.cloud.parameters();
  for (int group = 0; group < Cloud::kGroups; ++group) {
    const std::string name = Cloud::kNames[static_cast<size_t>(group)];
    visit("cloud." + name, *parameters[static_cast<size_t>(group)]);
    visit("adam.m." + name, model.adam.m[static_cast<size_t>(group)]);
    visit("adam.v." + name, model.adam.v[static_cast<size_t>(group)]);
  }
  if (model.cloud.filter_3d.defined()) visit(kFilterName, model.cloud.filter_3d);
  if (model.kept.defined()) {
    for (const auto& [group, tensor] : model.kept.groups())
      visit(std::string("kept.") + Cloud::kNames[static_cast<size_t>(group)], *tensor);
  }
  visit("stats.gradient_sum", model.stats.gradient_sum);
  visit("stats.gradient_count", model.stats.gradient_count);
  visit("stats.max_radii", model.stats.max_radii);
}

void move_to(torch::Device device, Model& model) {
  for_each_tensor(model, [&](const std::string&, torch::Tensor& tensor) { tensor = tensor.to(device); });
}

Model start_model(Cloud cloud) {
  optim::Adam adam(cloud);
  const int64_t count = cloud.count();
  return {
      .cloud = std::move(cloud), .adam = std::move(adam), .stats = optim::DensifyStats::zeros(count), .iteration = 0};
}

}  // namespace lucid::train
