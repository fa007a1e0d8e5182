// SPDX-License-Identifier: Apache-2.0
// current_cuda_stream(): libtorch's stream, for kernels that are launched without libtorch.
#pragma once

namespace lucid::tensor {

/// The stream in which libtorch queues this thread's work for the current GPU, as a cudaStream_t. Throws
/// std::logic_error in a build without CUDA.
void* current_cuda_stream();

}  // namespace lucid::tensor
