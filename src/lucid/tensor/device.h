// SPDX-License-Identifier: Apache-2.0
// Where tensors live, and how they get there without making the processor wait for the device.
#pragma once

#include <torch/torch.h>

#include <string>
#include <vector>

namespace lucid::tensor {

/// "cpu", or "cuda" for the first GPU. Throws UserError: another name, or a GPU that cannot be used here.
torch::Device device_from_name(const std::string& name);
/// "cpu", "cuda".
std::string device_name(torch::Device device);

inline torch::Device device_of(const torch::nn::Module& module) { return module.parameters().front().device(); }

/// A CPU tensor on `device`: itself where that is the CPU. A GPU gets it through pinned memory and in its own time; a
/// plain copy would wait until everything asked of the GPU so far is done.
torch::Tensor to_device(const torch::Tensor& x, torch::Device device);
torch::Tensor to_device(const std::vector<int64_t>& x, torch::Device device);  // [n] int64
torch::Tensor to_device(const std::vector<float>& x, torch::Device device);    // [n] float

}  // namespace lucid::tensor
