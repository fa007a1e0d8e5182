// SPDX-License-Identifier: Apache-2.0
// Device names, and asynchronous copies through pinned memory.
#include "lucid/tensor/device.h"

#include "lucid/base/error.h"

namespace lucid::tensor {

torch::Device device_from_name(const std::string& name) {
  if (name == "cpu") return {torch::kCPU};
  if (name != "cuda") {
    throw UserError(UserMistake{.what_happened = "no such device: " + name, .key = "--device", .hint = "cpu or cuda"});
  }
  if (!torch::cuda::is_available()) {
    throw UserError(
        UserMistake{.what_happened = "no CUDA device can be used here",
                    .key = "--device",
                    .hint = "cuda needs an NVIDIA driver and a libtorch built with CUDA; cpu always works"});
  }
  return {torch::kCUDA, 0};
}

std::string device_name(torch::Device device) { return c10::DeviceTypeName(device.type(), /*lower_case=*/true); }

torch::Tensor to_device(const torch::Tensor& x, torch::Device device) {
  if (!device.is_cuda()) return x.to(device);
  return x.pin_memory().to(device, /*non_blocking=*/true);
}

torch::Tensor to_device(const std::vector<int64_t>& x, torch::Device device) {
  return to_device(torch::tensor(x, torch::kLong), device);
}

torch::Tensor to_device(const std::vector<float>& x, torch::Device device) {
  return to_device(torch::tensor(x, torch::kFloat), device);
}

}  // namespace lucid::tensor
