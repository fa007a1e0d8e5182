// SPDX-License-Identifier: Apache-2.0
// randn(): drawn by a kernel on a GPU if the build has it; else on the CPU and copied.
#include "lucid/tensor/randn.h"

#include "lucid/tensor/cuda/randn.h"
#include "lucid/tensor/cuda_stream.h"
#include "lucid/tensor/device.h"

namespace lucid::tensor {

torch::Tensor randn(Rng& rng, at::IntArrayRef shape, torch::Device device) {
  if (device.is_cuda() && cuda::has_kernels()) {
    const torch::Tensor values = torch::empty(shape, torch::TensorOptions(torch::kFloat).device(device));
    cuda::randn(rng.skip_normals(static_cast<size_t>(values.numel())), values.numel(), values.data_ptr<float>(),
                current_cuda_stream());
    return values;
  }
  const torch::Tensor values = torch::empty(shape);
  rng.fill_normal(values.data_ptr<float>(), static_cast<size_t>(values.numel()));
  return to_device(values, device);
}

}  // namespace lucid::tensor
