// SPDX-License-Identifier: Apache-2.0
// Throws the exception for a failed CUDA call.
#include "lucid/base/cuda/failure.h"

#include <fmt/format.h>

#include <stdexcept>

namespace lucid::cuda {

void call_failed(const char* call, const char* why) { throw std::runtime_error(fmt::format("{}: {}", call, why)); }

}  // namespace lucid::cuda
