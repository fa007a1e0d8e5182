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
  size_t bytes = 0;          // of its memory; 0: the card does not answer
};

/// In the order of `--device cuda:N`. Empty where there is no card, no driver, or no CUDA in this build.
std::vector<CudaCard> cuda_cards();

/// Makes the card the calling thread's current one for this program's own CUDA runtime, which is linked statically and
/// is another than libtorch's. make_current() (device.h) sets both. Nothing to do in a build without CUDA.
void set_card(int card);

/// The newest CUDA version that the driver can run, "13.0"; empty where there is none.
std::string cuda_driver();

}  // namespace lucid::tensor
