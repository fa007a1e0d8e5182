// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace lucid::tensor {

/// The stream in which libtorch queues this thread's work for the current GPU, as a cudaStream_t. Throws
/// std::logic_error where libtorch has no CUDA.
void* current_cuda_stream();

}  // namespace lucid::tensor
