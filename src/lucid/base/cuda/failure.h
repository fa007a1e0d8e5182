// SPDX-License-Identifier: Apache-2.0
// What a call into CUDA that fails ends in. Compiled by the host compiler: the formatting library is none of nvcc's
// business.
#pragma once

namespace lucid::cuda {

[[noreturn]] void call_failed(const char* call, const char* why);  // std::runtime_error

}  // namespace lucid::cuda
