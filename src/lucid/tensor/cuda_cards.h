// SPDX-License-Identifier: Apache-2.0
// The GPUs of this machine, as `lucid info` lists them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace lucid::tensor {

struct CudaCard {
  std::string name;          // "NVIDIA H200"
  int major = 0, minor = 0;  // compute capability
  size_t bytes = 0;          // of its memory
};

/// In the order of `--device cuda:N`. Empty where there is no card, no driver, or no CUDA in this build.
std::vector<CudaCard> cuda_cards();

/// The newest CUDA version that the driver can run, "13.0"; empty where there is none.
std::string cuda_driver();

}  // namespace lucid::tensor
