// SPDX-License-Identifier: Apache-2.0
// Devices by name, and copies to a GPU that do not make the CPU wait for it.
#pragma once

#include <torch/torch.h>

#include <string>
#include <vector>

namespace lucid::tensor {

/// "cpu"; "cuda" or "cuda:0" for the first GPU, "cuda:1" for the second. Throws UserError on another name, or if there
/// is no such GPU among the `cards` that can be used.
torch::Device device_from_name(const std::string& name, int64_t cards);
torch::Device device_from_name(const std::string& name);  // among this machine's

/// Makes a GPU the calling thread's current one: kernels that take plain pointers run there, as does what asks for
/// "the" GPU. Nothing to do for the CPU.
void make_current(torch::Device device);

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
