// SPDX-License-Identifier: Apache-2.0
// Throws the exception for a failed CUDA call.
#include "lucid/base/cuda/failure.h"

#include <fmt/format.h>

#include <new>
#include <stdexcept>
#include <string_view>

namespace lucid::cuda {

void call_failed(const char* call, const char* why) {
  if (std::string_view(why) == "out of memory") throw std::bad_alloc();
  throw std::runtime_error(fmt::format("{}: {}", call, why));
}

}  // namespace lucid::cuda
