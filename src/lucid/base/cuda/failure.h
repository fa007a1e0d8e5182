// SPDX-License-Identifier: Apache-2.0
// The exception for a failed CUDA call. Its .cpp is compiled by the host compiler, which keeps fmt out of nvcc.
#pragma once

namespace lucid::cuda {

/// Throws std::runtime_error("CALL: WHY"), or std::bad_alloc for CUDA's "out of memory".
[[noreturn]] void call_failed(const char* call, const char* why);

}  // namespace lucid::cuda
