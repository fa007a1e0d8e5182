// SPDX-License-Identifier: Apache-2.0
// cuda_cards() and cuda_driver(), with and without CUDA.
#include "lucid/tensor/cuda_cards.h"

#if defined(LUCID_WITH_CUDA)
#include <cuda_runtime_api.h>
#include <fmt/format.h>
#endif

namespace lucid::tensor {

#if defined(LUCID_WITH_CUDA)

std::vector<CudaCard> cuda_cards() {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) {
    (void)cudaGetLastError();  // a missing driver is not an error; clear it
    return {};
  }
  std::vector<CudaCard> cards;
  for (int card = 0; card < count; ++card) {
    cudaDeviceProp properties;
    if (cudaGetDeviceProperties(&properties, card) != cudaSuccess) {
      (void)cudaGetLastError();
      cards.push_back({.name = "a card that does not answer"});
      continue;
    }
    cards.push_back({.name = properties.name,
                     .major = properties.major,
                     .minor = properties.minor,
                     .bytes = properties.totalGlobalMem});
  }
  return cards;
}

std::string cuda_driver() {
  int version = 0;
  if (cudaDriverGetVersion(&version) != cudaSuccess || version == 0) return "";
  return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

#else

std::vector<CudaCard> cuda_cards() { return {}; }
std::string cuda_driver() { return ""; }

#endif

}  // namespace lucid::tensor
