// SPDX-License-Identifier: Apache-2.0
// The exception for a failed CUDA call. Its .cpp is compiled by the host compiler, which keeps fmt out of nvcc.
#pragma once

namespace lucid::cuda {

/// Throws std::runtime_error("CALL: WHY").
[[noreturn]] void call_failed(const char* call, const char* why);

}  // namespace lucid::cuda
