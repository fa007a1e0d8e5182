// SPDX-License-Identifier: Apache-2.0
// Devices by name, and copies to a GPU that do not make the CPU wait for it.
#pragma once

#include <torch/torch.h>

#include <string>
#include <vector>

namespace lucid::tensor {

/// "cpu", or "cuda" for the first GPU. Throws UserError on another name, or if no GPU can be used.
torch::Device device_from_name(const std::string& name);
/// "cpu" or "cuda".
std::string device_name(torch::Device device);

/// The device of a module's first parameter.
inline torch::Device device_of(const torch::nn::Module& module) { return module.parameters().front().device(); }

/// Copies a CPU tensor to `device`; returns x itself if that is the CPU. A copy to a GPU goes through pinned memory and
/// is only queued. A plain copy would wait until the GPU has done all earlier work.
torch::Tensor to_device(const torch::Tensor& x, torch::Device device);
torch::Tensor to_device(const std::vector<int64_t>& x, torch::Device device);  // [n] int64
torch::Tensor to_device(const std::vector<float>& x, torch::Device device);    // [n] float

}  // namespace lucid::tensor
