// SPDX-License-Identifier: Apache-2.0
// Model: the state that training changes and a checkpoint holds (Gaussians, Adam, densification statistics, step).
#pragma once

#include <torch/torch.h>

#include <functional>
#include <string>

#include "lucid/gaussians/cloud.h"
#include "lucid/optim/adam.h"
#include "lucid/optim/densify.h"
#include "lucid/optim/keep_shape.h"

namespace lucid::train {

/// The training state. All tensors are on one device.
struct Model {
  gaussians::Cloud cloud;
  optim::Adam adam;
  optim::DensifyStats stats;
  optim::KeptShape kept = {};  // what keep_shape holds the geometry at
  int64_t iteration = 0;       // number of finished steps
  int64_t setbacks = 0;        // how often numbers went wrong (train/numbers.h)
  torch::Device device() const { return cloud.means.device(); }
};

// Tensors that not every model has.
inline constexpr const char* kFilterName = "cloud.filter_3d";
inline constexpr const char* kKeptMeansName = "kept.means";  // with the other kept.*

/// Calls visit(name, tensor) for every tensor of the model. Saving, loading and moving all use this one list.
void for_each_tensor(Model& model, const std::function<void(const std::string& name, torch::Tensor& tensor)>& visit);
void move_to(torch::Device device, Model& model);
/// The state before the first step: zero moments and statistics.
Model start_model(gaussians::Cloud cloud);

}  // namespace lucid::train
