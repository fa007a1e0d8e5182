// SPDX-License-Identifier: Apache-2.0
// The CUDA runtime's answers about cards, with and without CUDA.
#include "lucid/tensor/cuda_cards.h"

#if defined(LUCID_WITH_CUDA)
#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include "lucid/base/cuda/failure.h"
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

void set_card(int card) {
  if (const cudaError_t error = cudaSetDevice(card); error != cudaSuccess)
    lucid::cuda::call_failed("cudaSetDevice", cudaGetErrorString(error));
}

std::string cuda_driver() {
  int version = 0;
  if (cudaDriverGetVersion(&version) != cudaSuccess || version == 0) return "";
  return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

#else

std::vector<CudaCard> cuda_cards() { return {}; }
void set_card(int /*card*/) {}
std::string cuda_driver() { return ""; }

#endif

}  // namespace lucid::tensor
