// SPDX-License-Identifier: Apache-2.0
// The functions of randn.h in a build without CUDA: has_kernels() is false, randn() throws.
#if !defined(LUCID_WITH_CUDA)
#include <stdexcept>

#include "lucid/tensor/cuda/randn.h"

namespace lucid::tensor::cuda {

bool has_kernels() { return false; }
void randn(const NormalRun&, int64_t, float*, void*) { throw std::logic_error("this build has no CUDA kernels"); }

}  // namespace lucid::tensor::cuda
#endif  // LUCID_WITH_CUDA
