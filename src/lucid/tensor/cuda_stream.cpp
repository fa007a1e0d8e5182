// SPDX-License-Identifier: Apache-2.0
// current_cuda_stream(), with and without CUDA.
#include "lucid/tensor/cuda_stream.h"

#if defined(LUCID_WITH_CUDA)
#include <c10/cuda/CUDAStream.h>
#else
#include <stdexcept>
#endif

namespace lucid::tensor {

#if defined(LUCID_WITH_CUDA)
void* current_cuda_stream() { return c10::cuda::getCurrentCUDAStream().stream(); }
#else
void* current_cuda_stream() { throw std::logic_error("this build has no CUDA"); }
#endif

}  // namespace lucid::tensor
