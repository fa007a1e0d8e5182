// SPDX-License-Identifier: Apache-2.0
// What training changes, and what a checkpoint holds.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <string>

#include "lucid/gaussians/cloud.h"
#include "lucid/optim/adam.h"
#include "lucid/optim/densify.h"

namespace lucid::train {

/// All tensors on one device.
struct Model {
  gaussians::Cloud cloud;
  optim::Adam adam;
  optim::DensifyStats stats;
  int64_t iteration = 0;  // steps done
  torch::Device device() const { return cloud.means.device(); }
};

/// visit(name, tensor) of all of them: one list for saving, loading and moving, so that these cannot differ.
void for_each_tensor(Model& model, const std::function<void(const std::string& name, torch::Tensor& tensor)>& visit);
void move_to(torch::Device device, Model& model);
/// Before the first step.
Model start_model(gaussians::Cloud cloud);

}  // namespace lucid::train
